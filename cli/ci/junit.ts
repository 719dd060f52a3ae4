/** How a run came out, in JUnit's XML. */
import XmlBuilder from 'fast-xml-builder';
import { conditionsOf, gateName, type GateResult, type TuningResult } from '../../contracts/index.ts';
import { exactGate, NOT_TOLD } from '../../rapt/report/index.ts';
import { verdictOf, type AskedRun, type Outcome } from './outcome.ts';

/** Elements by name; "@name" is an attribute, "#text" what stands between the tags. */
type Element = { readonly [name: string]: string | number | Element | readonly Element[] };

/** What markup is made of, and blanks: a parser takes a bare line break in an attribute for a space. U+FFFD stands for
 *  what is no character of XML 1.0, not even as an entity. */
const escape = (value: unknown): string =>
  String(value)
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);

const xml = new XmlBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressBooleanAttributes: false,
  suppressEmptyNode: true,
  format: true,
  processEntities: false,
  attributeValueProcessor: (_, value) => escape(value),
  tagValueProcessor: (_, value) => escape(value),
});

/** The outcome in JUnit's XML: a test case for the run, an error when it gave no result, and one for each gate, a
 *  failure when it was missed. Names are the same from run to run, so that CI systems can tell what changed. */
export function junitReport(
  run: AskedRun,
  outcome: Outcome,
  { startedAt, seconds }: { startedAt: Date; seconds: number },
): string {
  const { result } = outcome;
  const error =
    result === null
      ? { error: { '@message': `the run ${verdictOf(outcome)}`, '@type': outcome.status, '#text': outcome.message } }
      : {};
  const gates = result === null ? conditionsOf(run.gates).map(notChecked) : result.gates.map(checked);
  const cases = [testCase('rapt', 'run', error, seconds), ...gates];
  const count = (kind: string): number => cases.filter((one) => kind in one).length;
  const counts = {
    '@tests': cases.length,
    '@failures': count('failure'),
    '@errors': count('error'),
    '@skipped': count('skipped'),
    '@time': seconds,
  };
  const suite = {
    '@name': `rapt run ${run.id}`,
    '@timestamp': startedAt.toISOString().slice(0, 19),
    ...counts,
    properties: {
      property: Object.entries({
        run: run.id,
        ...(run.remarks?.length ? { remarks: run.remarks.join(' ') } : {}),
        ...propertiesOf(result),
      }).map(([name, value]) => ({ '@name': name, '@value': value })),
    },
    testcase: cases,
  };
  return xml.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    testsuites: { ...counts, testsuite: suite },
  });
}

const testCase = (classname: string, name: string, inner: Element, seconds = 0): Element => ({
  '@classname': classname,
  '@name': name,
  '@time': seconds,
  ...inner,
});

/** Without a result no gate was held against anything. */
const notChecked = ({ metric, condition }: { metric: string; condition: string }): Element =>
  testCase('rapt.gate', gateName(metric, condition), { skipped: {} });

function checked(gate: GateResult): Element {
  const found = exactGate(gate);
  const failure = gate.passed === true ? {} : { failure: { '@message': found, '@type': 'gate', '#text': found } };
  return testCase('rapt.gate', gate.gate, { ...failure, 'system-out': found });
}

function propertiesOf(result: TuningResult | null): Record<string, string | number> {
  if (result === null) return {};
  const { metrics, privacy, adapter, release, report } = result;
  return {
    accuracy: metrics.test.accuracy ?? NOT_TOLD,
    mechanism: privacy.mechanism,
    eta: privacy.eta ?? 'none',
    adapter: adapter.sha256,
    release: release.sha256,
    report: report.uri,
  };
}
