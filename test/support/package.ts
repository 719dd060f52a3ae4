/** The package as npm makes it, installed in an empty project. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../system/index.ts';
import { runProgram } from './stack.ts';

/** As docs/library.md says. @param folder gets the tarball. @returns its path. */
export async function pack(folder: string): Promise<string> {
  await npm(['pack', '--ignore-scripts=false', '--pack-destination', folder], projectRoot);
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
  );
}

export async function installInto(project: string, tarball: string): Promise<void> {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'somebody', private: true }));
  await npm(
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=5', tarball],
    project,
  );
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runProgram('npm', args, process.env, cwd);
  if (code !== 0) throw new Error(`npm ${args[0]} ended with ${code}:\n${stdout}${stderr}`);
}

/** The programs of a Markdown page: what stands between ```js and ```. */
export const programsOf = (markdown: string): string[] =>
  Array.from(markdown.matchAll(/^```js\n(.*?)^```$/gms), ([, program]) => program!);

/** An ECMAScript module as docs/library.md says that it is written in CommonJS. */
export function asCommonJs(source: string): string {
  const required = source.replace(
    /^import (\{[^}]*\}) from '([^']+)';$/gm,
    (_, names: string, from: string) => `const ${names.replaceAll(' as ', ': ')} = require('${from}');`,
  );
  if (/^import /m.test(required)) throw new Error(`an import is left in\n${required}`);
  return (
    `(async () => {\n${required}\n})().catch((error) => {\n  ` + 'console.error(error);\n  process.exitCode = 1;\n});\n'
  );
}
