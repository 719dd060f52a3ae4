/** The package that `npm pack` makes, in an empty project: the command, the library in both module systems, its types,
 *  its reference. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { cacheFolder, projectRoot } from '../../system/index.ts';
import { csvCell } from '../../rapt/data/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { asCommonJs, installInto, pack, programsOf } from '../support/package.ts';
import { runProgram, type CommandResult } from '../support/stack.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

/** Rows of the table that the programs of the documentation read. */
const ROWS = 80;
const SYSTEMS = ['esm', 'cjs'] as const;

const folder = temporaryFolder();
const project = join(folder, 'project');
const installed = join(project, 'node_modules', 'rapt');
let tarball: string;

/** As a user has it who has set nothing. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(RAPT|TEMPORAL|XDG|npm)_/.test(name));
  return { ...Object.fromEntries(own), HOME: join(folder, 'home'), RAPT_CACHE: cacheFolder() };
}

const run = (args: readonly string[], cwd = project): Promise<CommandResult> =>
  runProgram(args[0]!, args.slice(1), environment(), cwd);

async function succeeds(args: readonly string[], cwd = project): Promise<string> {
  const { code, stdout, stderr } = await run(args, cwd);
  assert.equal(code, 0, `${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  mkdirSync(project);
  tarball = await pack(folder);
  await installInto(project, tarball);
});

test('before the set-up the command works, and whoever needs TensorFlow is told what to run', async () => {
  assert.match(await succeeds(['npx', 'rapt', '--help']), /privatize/);
  const doctor = await run(['npx', 'rapt', 'doctor', '--json']);
  const { findings } = JSON.parse(doctor.stdout) as { findings: { what: string; ok: boolean; fix: string | null }[] };
  assert.deepEqual(
    findings.filter(({ what }) => what === 'tensorflow-binding').map(({ ok, fix }) => ({ ok, fix })),
    [{ ok: false, fix: 'npx rapt setup' }],
  );
  const program =
    "({ openBackbone, createMechanism }) => openBackbone('all-MiniLM-L6-v2').then((backbone) => createMechanism({ " +
    "name: 'exponential', ...backbone }))";
  for (const needy of [
    ['npx', 'rapt', 'up'],
    ['npx', 'rapt', 'calibrate'],
    ['node', '-e', `import('rapt').then(${program})`],
    ['node', '-e', `(${program})(require('rapt'))`],
  ]) {
    const { code, stderr } = await run(needy);
    assert.notEqual(code, 0);
    assert.match(stderr, /run `npx rapt setup` once/, needy.join(' '));
  }
});

describe('after it', () => {
  before(async () => {
    await succeeds(['npx', 'rapt', 'setup']);
  });

  test('the command privatizes, and keeps its ledger where npm does not reach', async () => {
    writeFileSync(join(project, 'notes.csv'), 'text\nthe cat sat on the mat\n');
    const { rows } = JSON.parse(
      await succeeds(['npx', 'rapt', 'privatize', '--in', 'notes.csv', '--out', 'notes.noisy.csv', '--json']),
    ) as { rows: number };
    assert.equal(rows, 1);
    assert.ok(existsSync(join(folder, 'home', '.local', 'share', 'rapt', 'client', 'local', 'ledger')));
    assert.ok(!existsSync(join(installed, '.rapt')));
  });

  test('the workflows can be bundled from where the package lies', async () => {
    const program = `import { workflowBundle } from ${JSON.stringify(join(installed, 'workers', 'bundle.ts'))};
      import { DefaultLogger } from '@temporalio/worker';
      process.env['RAPT_CACHE'] = ${JSON.stringify(join(folder, 'cache'))};
      process.stdout.write((await workflowBundle(new DefaultLogger('ERROR'))).codePath);`;
    const codePath = await succeeds(['node', '--import', 'tsx', '--input-type=module', '-e', program]);
    assert.match(readFileSync(codePath, 'utf8'), /raptTuning/);
  });

  for (const system of SYSTEMS) {
    const write = (place: string, name: string, source: string): string => {
      const file = join(place, `${name}.${system === 'esm' ? 'mjs' : 'cjs'}`);
      writeFileSync(file, system === 'esm' ? source : asCommonJs(source));
      return file;
    };

    test(`${system}: the programs of docs/library.md run, none longer than ten lines`, async () => {
      const place = placeOf(system, { model: 'tiny' });
      const programs = programsOf(readFileSync(join(projectRoot, 'docs', 'library.md'), 'utf8'));
      assert.equal(programs.length, 5);
      let output = '';
      for (const [at, program] of programs.entries()) {
        assert.ok(program.trim().split('\n').length <= 10, program);
        output += await succeeds(['node', write(place, `program-${at}`, program)], place);
      }
      assert.match(output, new RegExp(`^${ROWS} texts, \\d+ tokens\n.*eta = 12`, 's'));
      assert.match(output, /^bayes [\d.]+ without the release [\d.]+$/m);
      assert.match(output, /^eta [\d.]+: (29|30|31)\.\d %$/m);
      assert.match(output, /^accuracy [\d.]+ of \d+ held-out texts$/m);
      assert.match(output, /^(positive|negative) [\d.]+\n(positive|negative) [\d.]+\n$/m);
    });

    test(`${system}: the examples run`, async () => {
      const place = placeOf(system, { model: system === 'esm' ? 'default' : 'tiny' });
      mkdirSync(join(place, 'examples'));
      writeFileSync(join(place, 'examples', 'notes.csv'), readFileSync(join(projectRoot, 'examples', 'notes.csv')));
      writeFileSync(
        join(place, 'small.json'),
        JSON.stringify({ data: { train: 'reviews.csv' }, tuning: { epochs: 1 }, audit: false }),
      );
      const examples = readdirSync(join(installed, 'examples')).filter((name) => name.endsWith('.mjs'));
      assert.equal(examples.length, 3);
      for (const name of examples) {
        const program = write(
          place,
          join('examples', basename(name, '.mjs')),
          readFileSync(join(installed, 'examples', name), 'utf8'),
        );
        assert.notEqual(
          await succeeds(['node', program, ...(name.startsWith('tune') ? ['small.json'] : [])], place),
          '',
        );
      }
    });
  }
});

test('types are found by both module systems, and are what they say', async () => {
  const consumer = `import { BadInput, attack, calibrate, createMechanism, openBackbone } from 'rapt';
import { openPredictor, privatize, tune } from 'rapt';
import type { AuditResult, Guarantee, Tuned, TuningInput } from 'rapt';

interface Used { tuned: Tuned; audit: AuditResult; guarantee: Guarantee; answers: readonly string[] }
export async function use(input: TuningInput): Promise<Used> {
  const backbone = await openBackbone('all-MiniLM-L6-v2');
  const { eta } = calibrate({ name: 'exponential', targetUnchanged: 0.3, ...backbone });
  const mechanism = createMechanism({ name: 'exponential', eta, ...backbone });
  const { rows }: { rows: number } = await privatize({ input: 'a.csv', output: 'b.jsonl', backbone, mechanism });
  const tuned = await tune({ ...input, tuning: { epochs: rows } }, { adapter: 'adapter' });
  const { predict } = await openPredictor(tuned.adapter.folder);
  const audit = await attack({ input: 'a.csv', released: 'b.jsonl', backbone, mechanism, attacks: ['bayes'] });
  const answers = predict(['a', ['b', 'c']]).map(({ prediction }) => prediction);
  return { tuned, audit, guarantee: mechanism.guarantee, answers };
}

// @ts-expect-error there is no such mechanism
export const wrongMechanism = calibrate({ name: 'none' });
// @ts-expect-error epochs are a number
export const wrongSetting: TuningInput = { tuning: { epochs: 'three' } };
export const problems = (error: unknown): number => (error instanceof BadInput ? error.problems.length : 0);
`;
  for (const extension of ['mts', 'cts']) writeFileSync(join(project, `consumer.${extension}`), consumer);
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
    '--module',
    'node16',
    '--moduleResolution',
    'node16',
  ];
  await succeeds([
    'node',
    join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc'),
    ...options,
    'consumer.mts',
    'consumer.cts',
  ]);
});

test('attw and publint find nothing', async () => {
  const { problems } = (await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))))) as {
    problems: unknown[];
  };
  assert.deepEqual(problems, []);
  const { messages, pkg } = await publint({ pkgDir: installed, level: 'suggestion', strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg as Record<string, unknown>, { color: false })),
    [],
  );
});

test('the package holds every folder that its programs are made of, and a reference of all that it offers', () => {
  const { include } = JSON.parse(readFileSync(join(projectRoot, 'tsconfig.json'), 'utf8')) as { include: string[] };
  const folders = include.filter((name) => !name.includes('.') && !['bench', 'test'].includes(name));
  assert.deepEqual(
    folders.filter((name) => !existsSync(join(installed, name))),
    [],
  );
  assert.deepEqual(
    ['bench', 'test', '.ci'].filter((name) => existsSync(join(installed, name))),
    [],
  );
  for (const file of readdirSync(join(installed, 'dist')))
    assert.doesNotMatch(readFileSync(join(installed, 'dist', file), 'utf8'), /@temporalio/, `${file} needs Temporal`);
  const reference = readFileSync(join(installed, 'docs', 'api', 'README.md'), 'utf8').replaceAll('\\_', '_');
  const names = Array.from(
    readFileSync(join(projectRoot, 'rapt', 'index.ts'), 'utf8').matchAll(/\{([^}]*)\}/g),
    ([, list]) => list!.match(/\w+/g)!.filter((name) => name !== 'type'),
  ).flat();
  assert.ok(names.length > 30);
  for (const name of names) assert.match(reference, new RegExp(`^### ${name}(\\(\\))?$`, 'm'), name);
});

/** A folder of the project with a table. A folder that has the default model's name is taken for it, so that what is
 *  written for that one runs with the tiny one. */
function placeOf(system: string, { model }: { readonly model: 'tiny' | 'default' }): string {
  const place = mkdtempSync(join(project, `${system}-`));
  if (model === 'tiny') writeTinyModel(join(place, 'all-MiniLM-L6-v2'));
  writeFileSync(join(place, 'reviews.csv'), ['text,label', ...(model === 'tiny' ? tinyRows() : realRows())].join('\n'));
  return place;
}

function realRows(): string[] {
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'test.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.slice(0, ROWS).map((line) => line.split('\t').map(csvCell).join(','));
}

/** Words of the tiny model, those of one class apart from those of the other. */
function tinyRows(): string[] {
  const word = (label: number, row: number, at: number): string => `w${5 + label * 27 + ((row * 7 + at * 5) % 27)}`;
  return Array.from({ length: ROWS }, (_, row) => {
    const words = Array.from({ length: 6 }, (_, at) => word(row % 2, row, at));
    return `${words.join(' ')},${row % 2 === 0 ? 'positive' : 'negative'}`;
  });
}
