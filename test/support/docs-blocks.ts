import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../system/index.ts';

/** The indented block of a page under docs/ that has this text in it, without its indentation. */
export function docsBlock(page: string, having: string): string {
  const blocks = readFileSync(join(projectRoot, 'docs', page), 'utf8')
    .split(/\n(?=\S)/)
    .flatMap((part) => part.split(/\n\n(?=\S)/));
  const found = blocks
    .flatMap((part) => part.match(/(?:^|\n)( {4}.*(?:\n {4}.*|\n(?=\n? {4}))*)/g) ?? [])
    .find((block) => block.includes(having));
  if (found === undefined) throw new Error(`docs/${page} has no block with ${having}`);
  return found.replace(/^\n/, '').replaceAll(/^ {4}/gm, '');
}
