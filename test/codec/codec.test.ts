import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import {
  createCodec,
  formatKeyring,
  newKey,
  parseKeyring,
  withCurrent,
  withKey,
  type Keyring,
} from '../../codec/index.ts';

const PLANTED = 'Österreich/Patienten.csv';
const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (of: Payload): unknown => defaultPayloadConverter.fromPayload(of);
const keyring: Keyring = [newKey()];
const codec = createCodec(keyring);
const encrypted = async (value: unknown, by = codec): Promise<Payload> => (await by.encode([payload(value)]))[0]!;
const refused =
  (kind: string, words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RaptError && error.kind === kind && words.test(error.message);

test('a payload comes back as it was, and shows nothing but the id of its key on the way', async () => {
  for (const value of [
    undefined,
    null,
    0,
    '',
    PLANTED,
    { path: PLANTED, rows: [1, 2, { deep: true }] },
    new Uint8Array([0, 1, 255]),
    new Uint8Array(),
    'x'.repeat(1 << 20),
  ]) {
    const before = payload(value);
    const [sent] = await codec.encode([before]);
    const shown = Buffer.concat([...Object.values(sent!.metadata!), sent!.data!]);
    assert.ok(!shown.includes(PLANTED) && !shown.includes('json/plain'));
    assert.deepEqual(Object.keys(sent!.metadata!).sort(), ['encoding', 'encryption-key-id']);
    assert.equal(Buffer.from(sent!.metadata!['encryption-key-id']!).toString(), keyring[0].id);
    const [after] = await codec.decode([sent!]);
    assert.deepEqual(valueOf(after!), value);
    assert.deepEqual(Object.keys(after!.metadata!), Object.keys(before.metadata!));
  }
  assert.deepEqual(await codec.encode([]), []);
});

test('equal payloads are encrypted differently each time', async () => {
  const seen = await Promise.all(Array.from({ length: 200 }, async () => Buffer.from((await encrypted('same')).data!)));
  assert.equal(new Set(seen.map((data) => data.subarray(0, 12).toString('hex'))).size, 200);
  assert.equal(new Set(seen.map((data) => data.subarray(12).toString('hex'))).size, 200);
});

test('any bit that is changed is noticed, and so is a tail that is missing', async () => {
  const sent = await encrypted({ mechanism: 'exponential' });
  const data = sent.data!;
  for (let bit = 0; bit < data.length * 8; bit++) {
    const changed = Uint8Array.from(data);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    await assert.rejects(
      codec.decode([{ ...sent, data: changed }]),
      refused(ErrorKind.corruptArtifact, /was changed, or was encrypted with another key of that name/),
    );
  }
  for (const length of [0, 5, 12, 27, data.length - 1])
    await assert.rejects(
      codec.decode([{ ...sent, data: data.subarray(0, length) }]),
      refused(ErrorKind.corruptArtifact, /was changed/),
    );
});

test('a key id that is put on a payload of another key, even one of the same bytes, is noticed', async () => {
  const { secret } = keyring[0];
  const both = createCodec([...keyring, { id: 'twin', secret }]);
  const sent = await encrypted(1);
  await assert.rejects(
    both.decode([{ ...sent, metadata: { ...sent.metadata, 'encryption-key-id': Buffer.from('twin') } }]),
    refused(ErrorKind.corruptArtifact, /twin/),
  );
});

test('keys are rotated: the first encrypts, all decrypt, and a key that is not there is named', async () => {
  const old = await encrypted('before');
  const next = newKey();
  const prepared = withKey(keyring, next);
  assert.deepEqual(
    valueOf((await codec.decode([await encrypted('meanwhile', createCodec(prepared))]))[0]!),
    'meanwhile',
  );
  const rotated = createCodec(withCurrent(prepared, next.id));
  const fresh = await encrypted('after', rotated);
  assert.deepEqual((await rotated.decode([old, fresh])).map(valueOf), ['before', 'after']);
  await assert.rejects(
    codec.decode([fresh]),
    refused(
      ErrorKind.accessDenied,
      new RegExp(
        `key ${next.id}, which is not among the keys here \\(${keyring[0].id}\\); add it to RAPT_CODEC_KEYS_FILE`,
      ),
    ),
  );
  await assert.rejects(
    createCodec(null).decode([fresh]),
    refused(ErrorKind.accessDenied, new RegExp(`key ${next.id}, and no key is known here`)),
  );
  await assert.rejects(
    createCodec([{ id: next.id, secret: createSecretKey(randomBytes(32)) }]).decode([fresh]),
    refused(ErrorKind.corruptArtifact, /another key of that name/),
  );
});

test('what is not encrypted passes, as a form of the UI sends it, unless it is refused', async () => {
  const plain = payload({ tuning: {} });
  const foreign = { metadata: { encoding: Buffer.from('binary/other') }, data: Buffer.from('x') };
  assert.deepEqual(await codec.decode([plain, foreign]), [plain, foreign]);
  assert.deepEqual(await createCodec(null).encode([plain]), [plain]);
  await assert.rejects(
    createCodec(keyring, 'refuse').decode([plain]),
    refused(ErrorKind.accessDenied, /is not encrypted.*RAPT_PLAIN_PAYLOADS=accept/),
  );
  assert.deepEqual(await createCodec(null, 'refuse').decode([plain]), [plain]);
});

test('keys are read from text, with remarks, in either form, and written so that they are read again', () => {
  const [first, second] = [newKey(), newKey()];
  const text = formatKeyring([first, second]);
  for (const form of [text, text.trim().replace('\n', ','), `# of the bank\n${text}\n# end`])
    assert.equal(formatKeyring(parseKeyring(form, 'RAPT_CODEC_KEYS')), text);
  assert.match(first.id, /^\d{4}-\d\d-\d\d-[0-9a-f]{6}$/);
  assert.throws(() => withCurrent([first], 'other'), /other: is not among the keys/);
});

test('every entry that is wrong is told at once, and none of them is repeated', () => {
  const good = formatKeyring([newKey()]).trim();
  const short = randomBytes(16).toString('base64');
  assert.throws(
    () => parseKeyring(`${good},${good},a:${short},b:c2VjcmV0LW5vdC1hLWtleQ,no-colon-at-all`, 'RAPT_CODEC_KEYS'),
    (error) =>
      error instanceof BadInput &&
      error.problems.length === 4 &&
      !error.message.includes(short) &&
      !error.message.includes('no-colon') &&
      !error.message.includes('c2Vj'),
  );
  for (const empty of ['', ' \n', '# nothing'])
    assert.throws(
      () => parseKeyring(empty, 'RAPT_CODEC_KEYS'),
      /RAPT_CODEC_KEYS: holds no key; `rapt keys add` makes one/,
    );
});

test('a key does not show when it is printed', () => {
  const bytes = keyring[0].secret.export();
  for (const form of [inspect(keyring, { depth: 9 }), JSON.stringify(keyring)])
    assert.ok(!form.includes(bytes.toString('base64')) && !form.includes(bytes.toString('hex')));
});
