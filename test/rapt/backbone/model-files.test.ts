/** Models whose weights lie in shards, and folders that lack something. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadEmbeddingTable, loadTokenizer, locateBackbone } from '../../../rapt/backbone/index.ts';
import { openTensors } from '../../../rapt/backbone/model-files.ts';
import { encodeSafetensors, readSafetensors } from '../../../rapt/safetensors.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { shardTinyModel, writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const whole = writeTinyModel(join(folder, 'whole'));
const sharded = shardTinyModel(writeTinyModel(join(folder, 'sharded')), 3);

const printed = (script: string, cwd: string): string =>
  execFileSync('bash', ['-c', script], { cwd, encoding: 'utf8' }).trim().split(' ')[0]!;

describe('weights in shards', () => {
  it('are those of the single file', () => {
    const tensors = openTensors(sharded);
    const expected = readSafetensors(join(whole, 'model.safetensors'));
    for (const [name, tensor] of Object.entries(expected)) assert.deepEqual(tensors.read(name), tensor, name);
    assert.deepEqual(loadEmbeddingTable(sharded), loadEmbeddingTable(whole));
    assert.ok(!tensors.has('no.such.tensor'));
    assert.throws(() => tensors.read('no.such.tensor'), /no shard in .* has a tensor no\.such\.tensor/);
  });

  it('have a digest that sha256sum can repeat; that of a single file is its SHA-256', async () => {
    assert.equal((await locateBackbone(whole)).sha256, printed('sha256sum model.safetensors', whole));
    assert.equal(
      (await locateBackbone(sharded)).sha256,
      printed('LC_ALL=C sha256sum model-*.safetensors | sha256sum', sharded),
    );
  });

  it('are refused when one is missing, or holds what another holds, or the index names none', async () => {
    const broken = shardTinyModel(writeTinyModel(join(folder, 'broken')), 3);
    renameSync(join(broken, 'model-00002-of-00003.safetensors'), join(broken, 'elsewhere'));
    await assert.rejects(
      locateBackbone(broken),
      /lacks model-00002-of-00003\.safetensors, which model\.safetensors\.index\.json lists; fetch all shards/,
    );
    renameSync(join(broken, 'elsewhere'), join(broken, 'model-00002-of-00003.safetensors'));
    const again = readSafetensors(join(broken, 'model-00001-of-00003.safetensors'));
    writeFileSync(join(broken, 'model-00003-of-00003.safetensors'), encodeSafetensors(again));
    assert.throws(
      () => openTensors(broken),
      /model-00003-of-00003\.safetensors and another shard both hold the tensor/,
    );
    for (const index of ['{}', 'x', '{"weight_map":{}}', '{"weight_map":{"a":"../model.safetensors"}}']) {
      writeFileSync(join(broken, 'model.safetensors.index.json'), index);
      await assert.rejects(
        locateBackbone(broken),
        /model\.safetensors\.index\.json (lists no shards: it must name for each tensor|is )/,
      );
    }
  });
});

describe('a folder that lacks something', () => {
  const having = (...files: readonly string[]): string => {
    const path = join(folder, `having ${files.join(' ')}`);
    mkdirSync(path);
    for (const file of files) writeFileSync(join(path, file), '{}');
    return path;
  };

  it('is refused by the names of the files, and with the command that makes them of what is there', async () => {
    const bin = having('config.json', 'tokenizer.json', 'pytorch_model.bin');
    await assert.rejects(locateBackbone(bin), (error: Error) => {
      assert.ok(
        error.message.includes(
          `${bin} lacks model.safetensors; a model folder needs config.json, model.safetensors, tokenizer.json: ` +
            'its weights are in pytorch_model.bin alone. Convert it',
        ),
        error.message,
      );
      assert.ok(error.message.includes(`m = '${bin}'; AutoModel.from_pretrained(m).save_pretrained('converted')`));
      return true;
    });
    await assert.rejects(
      locateBackbone(having('config.json', 'model.safetensors', 'vocab.txt')),
      /lacks tokenizer\.json; .*: its tokenizer is in the slow form alone \(vocab\.txt\)\. Convert it/,
    );
    const needed = 'a model folder needs config.json, model.safetensors, tokenizer.json';
    await assert.rejects(locateBackbone(having('config.json')), (error: Error) =>
      error.message.endsWith(`lacks model.safetensors, tokenizer.json; ${needed}`),
    );
  });
});

describe('a tokenizer', () => {
  it('is that of its folder, whatever the folder is called, and whichever other folder has the same name', async () => {
    const ids = [7, 8, 1, 9];
    for (const name of ['org--model', 'a b (copy)', 'x..y', 'model.git', 'models']) {
      const tokenizer = await loadTokenizer(writeTinyModel(join(folder, 'names', name)));
      assert.deepEqual([...tokenizer.encode('w7 w8 nothing w9', 9)], ids, name);
    }
    const namesake = writeTinyModel(join(folder, 'elsewhere', 'models'));
    const path = join(namesake, 'tokenizer.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"w7":7,"w8":8', '"w7":8,"w8":7'));
    assert.deepEqual([...(await loadTokenizer(namesake)).encode('w7 w8', 9)], [8, 7]);
  });

  it('needs no tokenizer_config.json', async () => {
    const model = writeTinyModel(join(folder, 'without'));
    rmSync(join(model, 'tokenizer_config.json'));
    const tokenizer = await loadTokenizer(model);
    assert.deepEqual([...tokenizer.encode('w7 W8', 9)], [7, 8]);
    assert.equal(tokenizer.decode([7, 8]), 'w7 w8');
  });
});
