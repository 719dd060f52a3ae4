/** The arrows between rooms: that the lint holds them, that no import runs in a circle, and that the page about the
 *  architecture shows the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { before, describe, it, test } from 'node:test';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { format } from 'prettier';
import { ROOMS, roomsInMarkdown } from '../../rooms.js';
import { projectRoot } from '../../system/index.ts';

const FOLDERS = [...new Set(Object.keys(ROOMS).map((room) => room.split('/')[0]!)), 'bench', 'test'];
const sources = FOLDERS.flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => join(folder, name)),
);

/** What a file imports of ours, types and imports on demand included. */
const importsOf = (file: string, text = readFileSync(join(projectRoot, file), 'utf8')): string[] =>
  ts
    .preProcessFile(text)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => normalize(join(dirname(file), fileName)));

/** A way along the arrows that comes back to where it began; null where there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return null;
    way.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next);
      if (circle !== null) return circle;
    }
    way.pop();
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle !== null) return circle;
  }
  return null;
}

test('no import runs in a circle, those of types and those on demand included', () => {
  assert.equal(circleIn(new Map(sources.map((file) => [file, importsOf(file)])))?.join(' -> ') ?? null, null);
});

test('the page about the architecture shows the arrows that the lint holds', async () => {
  const page = readFileSync(join(projectRoot, 'docs', 'architecture.md'), 'utf8');
  const [, shown] = /<!-- from rooms.js -->\n\n([^]*?)\n\n<!-- to here -->/.exec(page)!;
  const held = await format(roomsInMarkdown(), { parser: 'markdown', printWidth: 100, proseWrap: 'always' });
  assert.equal(shown, held.trimEnd(), 'docs/architecture.md has other arrows than rooms.js');
});

test('imports of every kind are seen', () => {
  const text = `import type { A } from './a.ts'; export { B } from './b.ts'; const c = await import('../c.ts');`;
  assert.deepEqual(importsOf('rapt/x/y.ts', text), ['rapt/x/a.ts', 'rapt/x/b.ts', 'rapt/c.ts']);
});

test('a planted circle is found', () => {
  const planted = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  assert.deepEqual(circleIn(planted), ['b', 'c', 'b']);
});

describe('the lint', () => {
  let lint: ESLint;
  before(() => {
    lint = new ESLint({ cwd: projectRoot });
  });

  /** What the lint says of the arrows of a file that has this one import. */
  async function said(file: string, imported: string): Promise<string[]> {
    const [result] = await lint.lintText(`import '${imported}';\n`, { filePath: join(projectRoot, file) });
    return result!.messages
      .filter(({ ruleId }) => ruleId === 'import-x/no-restricted-paths')
      .map(({ message }) => message);
  }

  for (const [file, imported, why] of [
    ['rapt/privacy/index.ts', '../attacks/index.ts', 'rapt/privacy may not import rapt/attacks'],
    ['rapt/tuning/index.ts', '../attacks/index.ts', 'rapt/tuning may not import rapt/attacks'],
    ['rapt/release/index.ts', '../../storage/index.ts', 'rapt/release may not import storage'],
    ['rapt/client/index.ts', '../release/draw.ts', 'import rapt/release by its index'],
    ['rapt/data/table.ts', './formats/csv.ts', 'import rapt/data/formats by its index'],
    ['rapt/turns.ts', './privacy/index.ts', 'what lies beside the rooms of rapt may not import rapt/privacy'],
    ['workflows/index.ts', '../rapt/index.ts', 'workflows may not import'],
    ['rapt/index.ts', '../storage/index.ts', 'the entry of the package may not import storage'],
    ['rapt/index.ts', './privacy/geometry.ts', 'import rapt/privacy by its index'],
    ['infra/server/examine.ts', '../setup/machine.mjs', 'import infra/setup by its index'],
    ['activities/gpu/train.ts', '../client/index.ts', 'the trust boundary runs between them'],
    ['activities/client/publish.ts', '../gpu/index.ts', 'the trust boundary runs between them'],
    ['test/run.ts', '../bench/measurement.ts', 'tests import no bench'],
    ['settings/index.ts', '../infra/index.ts', 'settings may not import infra'],
  ] as const)
    it(`refuses an import of ${imported} in ${file}`, async () => {
      const messages = await said(file, imported);
      assert.ok(
        messages.some((message) => message.includes(why)),
        messages.join('; ') || 'nothing was said',
      );
    });

  it('lets through what the rooms allow', async () => {
    assert.deepEqual(await said('rapt/tuning/index.ts', '../channel/index.ts'), []);
  });
});
