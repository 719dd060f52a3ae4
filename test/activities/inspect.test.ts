import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from '../../activities/client/inspect.ts';
import { DEFAULT_BACKBONE, parseTuningConfig } from '../../contracts/index.ts';
import { cacheFolder } from '../../rapt/cache.ts';
import { temporaryFolder } from '../support/folder.ts';

const home = temporaryFolder();
writeFileSync(join(home, 'texts.csv'), `text,label\n${Array.from({ length: 20 }, (_, row) => `text number ${row},${row % 2}`).join('\n')}\n`);

async function shown(backbone: string): Promise<string | undefined> {
  const parsed = parseTuningConfig({ data: { train: join(home, 'texts.csv') }, backbone });
  assert.ok(parsed.ok);
  return (await inspect({ home }, { run: 'x', config: parsed.value })).backbone;
}

test('a backbone is named by its public name alone: a folder keeps its own to itself, also where it looks like a name of the hub', async () => {
  const provided = join(cacheFolder(), 'backbones', DEFAULT_BACKBONE);
  mkdirSync(join(home, 'patients'));
  cpSync(provided, join(home, 'patients', 'model'), { recursive: true });
  const before = process.cwd();
  process.chdir(home);
  try {
    for (const folder of ['patients/model', './patients/model', join(home, 'patients', 'model')]) assert.equal(await shown(folder), 'folder', folder);
    assert.equal(await shown(DEFAULT_BACKBONE), DEFAULT_BACKBONE);
    symlinkSync(join(home, 'patients', 'model'), join(home, DEFAULT_BACKBONE));
    assert.equal(await shown(DEFAULT_BACKBONE), 'folder');
  } finally {
    process.chdir(before);
  }
});
