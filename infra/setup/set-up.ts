import { cacheFolder } from '../paths.ts';
import { COMPONENTS, type Component } from './components/index.ts';
import { withLock } from './lock.ts';
import { missingPrograms } from './programs.ts';

/** Makes whatever is missing of these parts, one after the other. Each gets its place by a rename when whole, so an interruption costs that part alone. */
export async function setUp(components: readonly Component[] = COMPONENTS): Promise<void> {
  if (components.every((component) => component.isReady())) return;
  await withLock(cacheFolder(), async () => {
    const wanted = components.filter((component) => !component.isReady());
    const missing = missingPrograms(wanted.flatMap((component) => component.programs));
    if (missing.length > 0) throw new Error(`these programs are needed and were not found:\n${missing.map((line) => `  ${line}`).join('\n')}`);
    for (const component of wanted) {
      const start = performance.now();
      say(`${component.title} ...`);
      await component.install(say);
      say(`${component.title}: ready after ${((performance.now() - start) / 1000).toFixed(0)} s`);
    }
  });
}

/** Which of these parts are not there. @param names as `rapt doctor` shows them. */
export const missingOf = (names: readonly string[]): string[] => COMPONENTS.filter((component) => names.includes(component.name) && !component.isReady()).map(({ name }) => name);

function say(line: string): void {
  process.stderr.write(`set-up: ${line}\n`);
}
