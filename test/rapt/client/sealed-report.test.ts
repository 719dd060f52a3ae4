import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ErrorKind, RaptError } from '../../../contracts/index.ts';
import { openReport, sealReport } from '../../../rapt/client/index.ts';

const secret = randomBytes(32);
const KEY = 'reports/acme/nightly/index.html.sealed';
const page = Buffer.from('<p>confusion</p>'.repeat(50));

test('a sealed report is read by its client alone, and is the same bytes each time', () => {
  const sealed = sealReport(secret, KEY, page);
  assert.deepEqual(openReport(secret, KEY, sealed), page);
  assert.deepEqual(sealReport(secret, KEY, page), sealed);
  assert.ok(!sealed.includes('confusion'));
  assert.deepEqual(openReport(secret, KEY, sealReport(secret, KEY, Buffer.alloc(0))), Buffer.alloc(0));
});

test('no two reports share a nonce, whatever their names and content begin with', () => {
  const START = 'rapt-sealed/1\n'.length;
  const nonces = [
    [KEY, 'a'],
    [KEY, 'b'],
    [`${KEY}a`, ''],
    [KEY, ''],
    ['reports/acme/other/index.html.sealed', 'a'],
  ].map(([key, content]) =>
    sealReport(secret, key!, Buffer.from(content!))
      .subarray(START, START + 12)
      .toString('hex'),
  );
  assert.equal(new Set(nonces).size, nonces.length);
});

test('what was sealed elsewhere, for another object, or was changed or cut, is refused', () => {
  const sealed = sealReport(secret, KEY, page);
  const changed = (at: number): Buffer => {
    const copy = Buffer.from(sealed);
    copy[at]! ^= 1;
    return copy;
  };
  const refused = (open: () => Buffer): void =>
    assert.throws(
      open,
      (error: unknown) =>
        error instanceof RaptError && error.kind === ErrorKind.accessDenied && /cannot be opened/.test(error.message),
    );
  refused(() => openReport(randomBytes(32), KEY, sealed));
  refused(() => openReport(secret, 'reports/acme/other/index.html.sealed', sealed));
  for (const at of [0, 14, 30, sealed.length - 1]) refused(() => openReport(secret, KEY, changed(at)));
  for (const length of [0, 10, 30, sealed.length - 1])
    refused(() => openReport(secret, KEY, sealed.subarray(0, length)));
});
