/** Each guard is taken out in a copy of the project, and a test must see it: a check that cannot fail shows nothing.
 *  `npm run test:long` takes out all of them; `npm test` one, and looks whether the others stand where they are looked
 *  for. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/folder.ts';
import { sized } from '../support/size.ts';
import { GUARDS, type Guard } from './guards.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = join(temporaryFolder(), 'rapt');
const UNCOPIED = new Set(['.git', '.rapt', 'node_modules', 'dist']);
const MINUTE_MS = 60_000;

const testOf = ({ test: named, threat }: Guard): string => join('test', `${named ?? `adversary/${threat}`}.test.ts`);

/** Names of the tests that fail in the copy. */
function failing(file: string): Promise<string[]> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_TEST'));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', '--test', '--test-reporter=tap', file],
      { cwd: copy, env: Object.fromEntries(own), maxBuffer: 2 ** 26 },
      (_, stdout) =>
        resolve(Array.from(stdout.matchAll(/^ *not ok \d+ - (.+)$/gm), ([, name]) => name!.replaceAll('\\#', '#'))),
    );
  });
}

/** Finds a guard in its file however the formatter has laid it out: white space and trailing commas are free. */
function asLaidOut(guard: string): RegExp {
  const pieces = guard.trim().match(/\w+|[^\w\s]/g) ?? [];
  const free = pieces.map((piece) => (/^[)\]}]$/.test(piece) ? `,?\\s*\\${piece}` : piece.replace(/\W/g, '\\$&')));
  return new RegExp(free.join('\\s*'), 'g');
}

test('every guard stands once where it is looked for', () => {
  for (const { file, guard, against } of GUARDS)
    assert.equal(readFileSync(join(root, file), 'utf8').match(asLaidOut(guard))?.length, 1, `${against}: ${file}`);
});

test('every test of the threat model has a guard to be taken out', () => {
  const files = readdirSync(join(root, 'test', 'adversary'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => basename(name, '.test.ts'));
  assert.deepEqual(
    [...new Set(GUARDS.map(({ threat }) => threat))].sort(),
    files.filter((name) => name !== 'guards').sort(),
  );
  const model = readFileSync(join(root, 'docs', 'privacy.md'), 'utf8');
  for (const name of files)
    assert.ok(model.includes(`test/adversary/${name}.test.ts`), `docs/privacy.md names ${name}`);
});

describe('without its guard', () => {
  before(() => {
    for (const name of readdirSync(root))
      if (!UNCOPIED.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  });

  for (const guard of sized(
    GUARDS.filter(({ threat }) => threat === 'baselines'),
    GUARDS,
  ))
    it(`${guard.against} is seen by ${guard.threat}`, { timeout: 10 * MINUTE_MS }, async () => {
      const file = join(copy, guard.file);
      const whole = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        whole.replace(asLaidOut(guard.guard), () => guard.without),
      );
      try {
        const names = await failing(testOf(guard));
        assert.ok(
          names.some((name) => name.includes(guard.fails)),
          `failed: ${names.join('; ') || 'nothing'}`,
        );
      } finally {
        writeFileSync(file, whole);
      }
    });
});
