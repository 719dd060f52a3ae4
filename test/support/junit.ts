/** Reads JUnit XML as strictly as a CI system may: by Python's parser, which takes nothing that is not well-formed, and
 *  by the rules of the common schema. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Element[];
}

export interface TestCase {
  readonly name: string;
  readonly outcome: 'passed' | 'failure' | 'error' | 'skipped';
  readonly message: string;
  readonly type: string;
  /** Of the failure or error. */
  readonly text: string;
  readonly output: string;
}

export interface Report {
  readonly suite: string;
  readonly properties: Readonly<Record<string, string>>;
  /** By "classname name". */
  readonly cases: Readonly<Record<string, TestCase>>;
}

const TO_JSON = `
import json, sys, xml.etree.ElementTree as tree
def plain(element):
    children = [plain(child) for child in element]
    return {"tag": element.tag, "attributes": element.attrib, "text": element.text or "", "children": children}
json.dump(plain(tree.fromstring(sys.stdin.buffer.read())), sys.stdout)
`;

export function readJunit(xml: string): Report {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', TO_JSON], { input: xml, encoding: 'utf8' });
  assert.equal(status, 0, `not well-formed: ${stderr}\n${xml}`);
  const root = JSON.parse(stdout) as Element;
  assert.equal(root.tag, 'testsuites');
  assert.equal(root.children.length, 1, 'one suite');
  const suite = root.children[0]!;
  assert.equal(suite.tag, 'testsuite');
  // The schema has them in this order.
  assert.match(suite.children.map(({ tag }) => tag).join(' '), /^(properties )?testcase( testcase)*$/);
  assert.match(suite.attributes['timestamp'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const cases = suite.children.filter(({ tag }) => tag === 'testcase').map(testCase);
  const keys = cases.map(([key]) => key);
  assert.equal(new Set(keys).size, keys.length, 'names are unique');
  for (const { attributes } of [root, suite]) {
    const counted = {
      tests: cases.length,
      failures: count(cases, 'failure'),
      errors: count(cases, 'error'),
      skipped: count(cases, 'skipped'),
    };
    assert.deepEqual(Object.fromEntries(Object.keys(counted).map((name) => [name, Number(attributes[name])])), counted);
  }
  const properties = suite.children.filter(({ tag }) => tag === 'properties').flatMap(({ children }) => children);
  return {
    suite: attributeOf(suite, 'name'),
    properties: Object.fromEntries(
      properties.map((property) => [attributeOf(property, 'name'), attributeOf(property, 'value')]),
    ),
    cases: Object.fromEntries(cases),
  };
}

const count = (cases: readonly (readonly [string, TestCase])[], outcome: TestCase['outcome']): number =>
  cases.filter(([, found]) => found.outcome === outcome).length;

function testCase(element: Element): [string, TestCase] {
  assert.ok(Number(attributeOf(element, 'time')) >= 0);
  const outcomes = element.children.filter(({ tag }) => ['failure', 'error', 'skipped'].includes(tag));
  assert.ok(outcomes.length <= 1, 'one outcome');
  for (const { tag } of element.children) assert.match(tag, /^(failure|error|skipped|system-out)$/);
  const [found] = outcomes;
  const name = attributeOf(element, 'name');
  return [
    `${attributeOf(element, 'classname')} ${name}`,
    {
      name,
      outcome: (found?.tag ?? 'passed') as TestCase['outcome'],
      message: found?.attributes['message'] ?? '',
      type: found?.attributes['type'] ?? '',
      text: found?.text ?? '',
      output: element.children.find(({ tag }) => tag === 'system-out')?.text ?? '',
    },
  ];
}

function attributeOf({ tag, attributes }: Element, name: string): string {
  const value = attributes[name];
  assert.ok(value !== undefined, `${tag} lacks ${name}`);
  return value;
}
