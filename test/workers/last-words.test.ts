/** What a worker prints about an error that nobody handles. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SECRET = 'a quoted text';
const LAST_WORDS = fileURLToPath(new URL('../../workers/last-words.ts', import.meta.url));

/** Runs a body in a process as a worker is one. @returns its exit code and what it said. */
async function inProcess(body: string): Promise<{ code: number | null; said: string }> {
  const program = `import { createWriteStream } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    const { endOnUnheardErrors } = await import(${JSON.stringify(LAST_WORDS)});
    endOnUnheardErrors();
    setTimeout(() => undefined, 30_000);
    ${body}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said: await said };
}

test(
  'an error that nobody handles ends the process by code 1, and prints its class, code and place',
  { timeout: 60_000 },
  async () => {
    const thrown = {
      'an exception in a callback': [
        `class Odd extends Error {}; setImmediate(() => { throw new Odd('${SECRET}'); });`,
        'unexpected Odd',
      ],
      'a rejection that nobody awaits': [`void Promise.reject(new RangeError('${SECRET}'));`, 'unexpected RangeError'],
      "a stream's error without a listener": [`createWriteStream('/proc/${SECRET}');`, 'unexpected Error ENOENT'],
      'no error at all': [
        `void Promise.reject('${SECRET}');`,
        'unexpected UnhandledPromiseRejection ERR_UNHANDLED_REJECTION',
      ],
    } as const;
    for (const [what, [body, expected]] of Object.entries(thrown)) {
      const { code, said } = await inProcess(body);
      assert.equal(code, 1, what);
      assert.ok(!said.includes(SECRET), `${what} tells the message: ${said}`);
      const lines = said.trim().split('\n');
      assert.equal(lines.length, 1, said);
      const { level, error } = JSON.parse(lines[0]!) as { level: string; error: string };
      assert.equal(level, 'error');
      assert.ok(error.startsWith(expected), error);
    }
  },
);

test('a log that nobody reads any more does not end a worker', { timeout: 60_000 }, async () => {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `
    const { endOnUnheardErrors } = await import(${JSON.stringify(LAST_WORDS)});
    endOnUnheardErrors();
    process.send('ready');
    process.on('message', async () => {
      for (let line = 0; line < 50; line++) {
        process.stdout.write('a line\\n');
        process.stderr.write('a line\\n');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      process.exit(7);
    });`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  await once(child, 'message');
  child.stdout!.destroy();
  child.stderr!.destroy();
  child.send('write');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 7, 'it came to its own end');
});
