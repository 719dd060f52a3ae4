import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { BadInput, type RaptError } from '../../contracts/index.ts';
import { contentOf, HEAD_BYTES } from '../../rapt/content.ts';
import { locateBackbone } from '../../rapt/backbone/index.ts';
import { readTable } from '../../rapt/data/index.ts';
import { readSafetensors } from '../../rapt/safetensors.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = temporaryFolder();
const POINTER =
  'version https://git-lfs.github.com/spec/v1\n' +
  'oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n' +
  'size 90868376\n';

/** A zip archive of these files, without its directory. The type of an OpenDocument stands there as it is. */
function zip(files: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(files).map(([name, content]) => {
    const isStored = name === 'mimetype';
    const packed = isStored ? Buffer.from(content) : deflateRawSync(content);
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(isStored ? 0 : 8, 8);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(content.length, 22);
    header.writeUInt16LE(name.length, 26);
    return Buffer.concat([header, Buffer.from(name), packed]);
  });
  return Buffer.concat(entries);
}

const hex = (...bytes: number[]): Buffer => Buffer.from(bytes);
/** Bytes of no meaning, as compressed data look. */
const noise = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * at * 7919 + 13 * at) % 251));

const STRANGE: readonly (readonly [string, Buffer | string, RegExp])[] = [
  ['a Git LFS pointer', POINTER, /is a Git LFS pointer, not the file that it stands for; run `git lfs pull`/],
  ['a git-annex pointer', '/annex/objects/SHA256E-s1234--aaaa.csv\n', /is a git-annex pointer.*`git annex get`/],
  ['a web page', '\n<!DOCTYPE html><html><body>404</body></html>', /is a web page, perhaps an error message/],
  [
    'an error of S3',
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    /is an XML document, perhaps an error message/,
  ],
  [
    'an Excel workbook',
    zip({ '[Content_Types].xml': '<Types/>', 'xl/workbook.xml': '<workbook/>' }),
    /is an Excel workbook; save its sheet as "CSV UTF-8"/,
  ],
  [
    'an old Excel workbook',
    Buffer.concat([hex(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1), noise]),
    /is an Excel workbook.*"CSV UTF-8"/,
  ],
  [
    'a spreadsheet',
    zip({ mimetype: 'application/vnd.oasis.opendocument.spreadsheet' }),
    /is an OpenDocument spreadsheet/,
  ],
  [
    'a Word document',
    zip({ '[Content_Types].xml': '<Types/>', 'word/document.xml': '<w/>' }),
    /is a text document of an office program/,
  ],
  ['a zip archive', zip({ 'reviews.csv': 'text,label\na,b\n' }), /is a zip archive; unzip it/],
  ['bzip2', Buffer.concat([Buffer.from('BZh91AY&SY'), noise]), /is compressed by bzip2; decompress it \(`bunzip2`\)/],
  ['xz', Buffer.concat([hex(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), noise]), /is compressed by xz/],
  ['lz4', Buffer.concat([hex(4, 0x22, 0x4d, 0x18), noise]), /is compressed by lz4/],
  ['7z', Buffer.concat([hex(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), noise]), /is a 7z archive/],
  [
    'a tar archive',
    Buffer.concat([Buffer.from('reviews.csv'.padEnd(257, '\0')), Buffer.from('ustar\x0000')]),
    /is a tar archive; unpack it \(`tar xf`\)/,
  ],
  [
    'a database',
    Buffer.concat([Buffer.from('SQLite format 3\0'), noise]),
    /is an SQLite database; export the table as CSV or Parquet/,
  ],
  ['a pickle', hex(0x80, 4, 0x95, 5, 0, 0, 0, 0, 0, 0, 0, 0x5d, 0x2e), /is a Python pickle/],
  ['HDF5', Buffer.concat([hex(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), noise]), /is an HDF5 file/],
  ['NumPy', Buffer.concat([hex(0x93), Buffer.from('NUMPY'), noise]), /is a NumPy file/],
  ['Avro', Buffer.concat([Buffer.from('Obj\x01'), noise]), /is an Avro file/],
  ['ORC', Buffer.concat([Buffer.from('ORC\x11'), noise]), /is an ORC file/],
  ['a PDF document', '%PDF-1.7\n%âãÏÓ', /is a PDF document/],
  ['UTF-32', Buffer.concat([hex(0xff, 0xfe, 0, 0), hex(0x74, 0, 0, 0)]), /is UTF-32 text; save it as UTF-8/],
  [
    'unknown bytes',
    Buffer.concat([hex(1, 2, 3, 0, 0xff), noise]),
    /holds no text, but bytes of a kind that cannot be read/,
  ],
  ['a table that is compressed twice', gzipSync(gzipSync('text,label\na,b\n')), /is compressed twice/],
  ['nothing', '', /is empty/],
];

async function refusalOf(file: string): Promise<string> {
  const read = async (): Promise<void> => {
    for await (const _row of readTable(file, { text: 'text', label: 'label' }));
  };
  const error = await read().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BadInput, `${file}: ${String(error)}`);
  return error.message;
}

describe('a file that is not a table', () => {
  for (const [what, content, told] of STRANGE)
    it(`is named for what it is: ${what}`, async () => {
      // Parquet and Arrow have words of their own for bytes that nobody knows.
      for (const ending of what === 'unknown bytes'
        ? ['csv', 'jsonl', 'xlsx']
        : ['csv', 'tsv', 'jsonl', 'parquet', 'arrow', 'xlsx']) {
        const file = join(folder, `strange.${ending}`);
        writeFileSync(file, content);
        assert.match(await refusalOf(file), told, ending);
      }
      if (content === '' || what.includes('twice')) return;
      const zipped = join(folder, 'strange.csv.gz');
      writeFileSync(zipped, gzipSync(content));
      assert.match(await refusalOf(zipped), told, 'gzipped');
    });

  it('is not confused with an ordinary text that begins in the same way', async () => {
    const beginnings = [
      'PAR1,text',
      'ORC,text',
      'FEA1,text',
      'Obj,text',
      'version,text',
      '[id],text',
      '{x},text',
      '<i>,text',
      'a\0b,text',
      'caf\u00e9,text',
      '//x/DUCK,text',
    ];
    for (const beginning of beginnings) {
      const file = join(folder, 'ordinary.csv');
      writeFileSync(file, `${beginning},label\n1,good film,a\n`);
      const rows: (string | null)[][] = [];
      for await (const { text, label } of readTable(file, { text: 'text', label: 'label' })) rows.push([text, label]);
      assert.deepEqual(rows, [['good film', 'a']], beginning);
    }
  });

  it('is not confused with text that was cut within a character', () => {
    for (const character of ['é', '€', '🎬']) {
      const bytes = Buffer.from('x'.repeat(HEAD_BYTES - 1) + character);
      for (let cut = 0; cut < 4; cut++) assert.equal(contentOf(bytes.subarray(0, HEAD_BYTES - 1 + cut)), 'text');
    }
    assert.equal(contentOf(Buffer.from('caf\xe9,\xfc\n', 'latin1')), 'text', 'of another encoding');
  });
});

describe('a file of a model', () => {
  it('that is something else is named for what it is', async () => {
    const model = writeTinyModel(join(folder, 'model'));
    assert.equal((await locateBackbone(model)).folder, model);
    for (const [file, content, told] of [
      ['tokenizer.json', POINTER, /tokenizer\.json is a Git LFS pointer.*`git lfs pull`/],
      ['config.json', '<html>', /config\.json is a web page/],
      [
        'model.safetensors',
        zip({ 'archive/data.pkl': 'x' }),
        /model\.safetensors is a PyTorch checkpoint; convert it with safetensors/,
      ],
      ['model.safetensors', POINTER, /model\.safetensors is a Git LFS pointer/],
      ['model.safetensors', '', /model\.safetensors is empty; fetch it again/],
    ] as const) {
      const strange = join(folder, `strange ${file}`, content.length.toString());
      writeTinyModel(strange);
      writeFileSync(join(strange, file), content);
      await assert.rejects(locateBackbone(strange), (error: RaptError) => told.test(error.message));
      if (file === 'model.safetensors')
        assert.throws(
          () => readSafetensors(join(strange, file)),
          (error: RaptError) => told.test(error.message),
        );
    }
  });

  it('may begin like other files, since its first bytes are a number', () => {
    const header = '{}'.padEnd(0x088b1f, ' ');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const file = join(folder, 'like-gzip.safetensors');
    writeFileSync(file, Buffer.concat([length, Buffer.from(header)]));
    assert.deepEqual(readSafetensors(file), {});
  });
});
