import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { marked, type Token } from 'marked';
import { projectRoot } from '../../system/index.ts';

/** Built by `npm run docs`. */
const REFERENCE = join(projectRoot, 'docs', 'api');
const INDEX = join(projectRoot, 'docs', 'README.md');
/** Of the decisions, a page each; it stands in the index for all of them. */
const DECISIONS = join(projectRoot, 'docs', 'adr', 'README.md');

const pages = [
  ...readdirSync(projectRoot).map((name) => join(projectRoot, name)),
  ...readdirSync(join(projectRoot, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(projectRoot, 'docs', name),
  ),
].filter((path) => path.endsWith('.md') && !path.startsWith(REFERENCE));

function tokensOf(page: string): Token[] {
  const tokens: Token[] = [];
  void marked.walkTokens(marked.lexer(readFileSync(page, 'utf8')), (token) => void tokens.push(token));
  return tokens;
}

const linksOf = (page: string): string[] =>
  tokensOf(page).flatMap((token) =>
    token.type === 'link' || token.type === 'image' ? [(token as { href: string }).href] : [],
  );

/** Names of a page's headings as links write them. */
const anchorsOf = (page: string): string[] =>
  tokensOf(page).flatMap((token) =>
    token.type === 'heading'
      ? [
          (token as { text: string }).text
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, '')
            .replaceAll(' ', '-'),
        ]
      : [],
  );

function leadsSomewhere(page: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  return (
    target.startsWith(REFERENCE) || (existsSync(target) && (anchor === undefined || anchorsOf(target).includes(anchor)))
  );
}

test('every link of the documentation leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page)
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${relative(projectRoot, page)}: ${link}`),
  );
  assert.deepEqual(broken, []);
  assert.ok(!leadsSomewhere(INDEX, 'no-such-page.md') && !leadsSomewhere(INDEX, 'privacy.md#no-such-heading'));
});

test('every page of the documentation is in its index, or is a decision in their list', () => {
  const listed = [INDEX, DECISIONS].flatMap((list) =>
    linksOf(list).map((link) => join(dirname(list), link.split('#')[0]!)),
  );
  const missing = pages.filter((page) => dirname(page) !== projectRoot && page !== INDEX && !listed.includes(page));
  assert.deepEqual(
    missing.map((page) => relative(projectRoot, page)),
    [],
  );
});
