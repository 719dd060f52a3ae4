import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { parseAction } from '@actions/workflow-parser/actions/index';
import { parse } from 'yaml';
import { readAction } from '../support/action-runner.ts';
import { expandGitlab, variablesOf } from '../support/gitlab.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string): string => readFileSync(pathOf(name), 'utf8');
const trace = new NoOperationTraceWriter();
type Checked = ReturnType<typeof parseAction>;
const errorsOf = ({ context }: Checked): string[] => context.errors.getErrors().map(({ message }) => message);
const action = readAction(pathOf('action.yml'));

/** What the template can be told: the first of its two documents. */
const gitlabSpec = (): { inputs: Record<string, { default: string }> } =>
  (parse(read('ci/gitlab.yml').split('\n---\n')[0]!) as { spec: { inputs: Record<string, { default: string }> } }).spec;

test("GitHub's own parser takes the action, its expressions too", () => {
  const errors = (content: string): string[] => errorsOf(parseAction({ name: 'action.yml', content }, trace));
  assert.deepEqual(errors(read('action.yml')), []);
  assert.deepEqual(errors(read('action.yml').replace('inputs.gates', 'input.gates')).length, 1, 'it finds mistakes');
});

test('inputs reach a script only as variables, and actions of others are pinned to a commit', () => {
  for (const { run, uses } of action.runs.steps) {
    assert.doesNotMatch(run ?? '', /\$\{\{/, 'an expression in a script runs whatever the input holds');
    if (uses !== undefined) assert.match(uses, /@[0-9a-f]{40}$/);
  }
});

test('every input is used, and each variable of the script can be given on both sides', () => {
  const script = new Set(Array.from(read('ci/run.sh').matchAll(/\$\{(RAPT_CI_\w+)/g), ([, name]) => name!));
  const given = action.runs.steps[0]!.env!;
  assert.deepEqual(Object.keys(given).sort(), [...script].sort());
  assert.deepEqual(
    Object.values(given).sort(),
    Object.keys(action.inputs)
      .map((name) => `\${{ inputs.${name} }}`)
      .sort(),
  );
  const { inputs } = gitlabSpec();
  for (const [name, { default: value }] of Object.entries(action.inputs))
    assert.equal(inputs[name]?.default, value, `${name} has another default on GitLab`);
});

test("GitLab's own schema takes the template, and what a job is told reaches the script as it is", async () => {
  const gates = 'accuracy >= 0.7\nf1 >= baseline - 0.01 # "quoted" $HOME\n';
  const include = JSON.stringify([
    {
      local: 'ci/gitlab.yml',
      inputs: { config: 'tuning file.yaml', gates, 'job-name': 'reviews', repository: 'git@example.org:acme/rapt.git' },
    },
  ]);
  const expanded = await expandGitlab(`include: ${include}\n`, pathOf('ci/gitlab.yml'));
  const { reviews } = expanded;
  assert.ok(reviews);
  const variables = variablesOf(reviews);
  assert.equal(variables['RAPT_CI_CONFIG'], 'tuning file.yaml');
  assert.equal(variables['RAPT_CI_GATES'], gates);
  assert.equal(variables['RAPT_CI_ON_CANCEL'], 'cancel');
  assert.deepEqual(reviews.artifacts.reports, { junit: 'rapt/junit.xml', dotenv: 'rapt/outputs.env' });
});

test('GitLab refuses a value that the template does not know', async () => {
  const include = JSON.stringify([{ local: 'ci/gitlab.yml', inputs: { 'on-cancel': 'kill' } }]);
  await assert.rejects(expandGitlab(`include: ${include}\n`, pathOf('ci/gitlab.yml')), /`kill` cannot be used/);
});

const documented = (language: string, marker: string): string[] =>
  Array.from(
    read('docs/ci.md').matchAll(new RegExp(`\`\`\`${language}\\n([^\`]*)\`\`\``, 'g')),
    ([, code]) => code!,
  ).filter((code) => code.includes(marker));

test("GitHub's parser takes the documented workflows, and the action knows what they give it", () => {
  const workflows = documented('yaml', 'runs-on');
  assert.ok(workflows.length >= 2);
  for (const content of workflows) {
    assert.deepEqual(errorsOf(parseWorkflow({ name: 'workflow.yml', content }, trace)), [], content);
    const { jobs } = parse(content) as {
      jobs: Record<string, { steps: { uses?: string; with?: Record<string, string> }[] }>;
    };
    const uses = Object.values(jobs)
      .flatMap(({ steps }) => steps)
      .filter(({ uses }) => uses?.includes('/rapt@') === true);
    assert.ok(uses.length > 0, content);
    for (const { with: given = {} } of uses)
      for (const name of Object.keys(given)) assert.ok(name in action.inputs, `there is no input ${name}`);
  }
});

test("GitLab's schema takes the documented configuration", async () => {
  const configurations = documented('yaml', 'include:');
  assert.ok(configurations.length >= 1);
  // What lies in another project is not fetched here.
  const { inputs } = gitlabSpec();
  for (const content of configurations) {
    const { include } = parse(content) as { include: { inputs?: Record<string, string> }[] };
    for (const { inputs: given = {} } of include)
      for (const name of Object.keys(given)) assert.ok(name in inputs, `there is no input ${name}`);
    await expandGitlab(
      content.replaceAll(/- project: .*\n {4}ref: .*\n {4}file: \/?/g, '- local: '),
      pathOf('ci/gitlab.yml'),
    );
  }
});
