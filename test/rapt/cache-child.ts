/** Asks the cache for a value, and tells whether it had to make it. */
import { cachedJson } from '../../rapt/cache.ts';

const made: number[] = [];
const value = await cachedJson('shared/value.json', async () => {
  made.push(process.pid);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { maker: process.pid };
});
process.stdout.write(JSON.stringify({ value, made: made.length }));
