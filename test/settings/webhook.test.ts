import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BadInput } from '../../contracts/index.ts';
import { resolveWebhook } from '../../settings/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rapt-webhook-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const RAPT_WEBHOOK_URL = 'https://hooks.example.org/rapt?token=hidden';
const secretOf = (size: number): string => `whsec_${Buffer.alloc(size, 7).toString('base64')}`;

test('address and secrets of a webhook come from variables or files; several secrets stand on lines', () => {
  const RAPT_WEBHOOK_SECRET_FILE = join(folder, 'secret');
  writeFileSync(RAPT_WEBHOOK_SECRET_FILE, `${secretOf(32)}\n${secretOf(24)}\n`);
  assert.deepEqual(resolveWebhook({ RAPT_WEBHOOK_URL, RAPT_WEBHOOK_SECRET_FILE }), {
    url: RAPT_WEBHOOK_URL,
    secrets: [Buffer.alloc(32, 7), Buffer.alloc(24, 7)],
  });
  const RAPT_WEBHOOK_URL_FILE = join(folder, 'address');
  writeFileSync(RAPT_WEBHOOK_URL_FILE, `${RAPT_WEBHOOK_URL}\n`);
  assert.equal(resolveWebhook({ RAPT_WEBHOOK_URL_FILE, RAPT_WEBHOOK_SECRET: secretOf(32) })?.url, RAPT_WEBHOOK_URL);
  assert.equal(resolveWebhook({}), null);
});

test('what cannot be used is refused, and quoted by no message', () => {
  const wrong: [NodeJS.ProcessEnv, RegExp][] = [
    [{ RAPT_WEBHOOK_URL }, /RAPT_WEBHOOK_SECRET_FILE: is needed/],
    [{ RAPT_WEBHOOK_SECRET: secretOf(32) }, /RAPT_WEBHOOK_URL: is needed/],
    [{ RAPT_WEBHOOK_URL: 'ftp://hidden', RAPT_WEBHOOK_SECRET: secretOf(32) }, /must be an address/],
    [
      { RAPT_WEBHOOK_URL: 'https://hidden:hidden@hooks.example.org', RAPT_WEBHOOK_SECRET: secretOf(32) },
      /no user name/,
    ],
    [{ RAPT_WEBHOOK_URL, RAPT_WEBHOOK_SECRET: secretOf(16) }, /24 to 64 bytes/],
    [{ RAPT_WEBHOOK_URL, RAPT_WEBHOOK_SECRET: `${secretOf(32)}\nhidden` }, /must be whsec_/],
  ];
  for (const [env, expected] of wrong)
    assert.throws(
      () => resolveWebhook(env),
      (error) => {
        assert.ok(error instanceof BadInput);
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /hidden|BwcHBwc/);
        return true;
      },
    );
});
