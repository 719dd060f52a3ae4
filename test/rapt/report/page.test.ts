/** The report in a real browser, as it is forwarded: one file, no network, on a desk, on a phone, in the dark and on
 *  paper. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { ReportData } from '../../../contracts/index.ts';
import { renderReport } from '../../../rapt/report/index.ts';
import { openBrowser } from '../../support/browser.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { smallReport, usualReport } from '../../support/reports.ts';

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = temporaryFolder();

let browser: Browser;
before(
  async () => {
    browser = await openBrowser();
  },
  { timeout: 60_000 },
);
after(() => browser.close());

interface Opened {
  readonly page: Page;
  /** What the page asked for besides itself, and what it complained of. */
  readonly noise: string[];
}

async function open(data: ReportData, options: BrowserContextOptions, policy = true): Promise<Opened> {
  const path = join(folder, 'report.html');
  writeFileSync(path, await renderReport(data));
  const { href } = pathToFileURL(path);
  const context = await browser.newContext({ bypassCSP: !policy, ...options });
  const page = await context.newPage();
  const noise: string[] = [];
  page.on('console', (message) => noise.push(message.text()));
  page.on('pageerror', ({ message }) => noise.push(message));
  page.on('request', (request) => {
    if (request.url() !== href) noise.push(request.url());
  });
  await page.goto(href);
  return { page, noise };
}

/** Rules of WCAG 2.2 AA and best practice that do not hold. The page forbids scripts, so axe needs a context that
 *  passes over that. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  assert.ok(results.passes.length > 20, 'axe looked at the page');
  return results.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes
        .slice(0, 3)
        .map(({ html }) => html.slice(0, 160))
        .join(' | ')}`,
  );
}

const number = async (page: Page, expression: string): Promise<number> => await page.evaluate<number>(expression);
const answers = ['How good', 'How private', 'Against what baseline'];

for (const [place, viewport] of [
  ['a desk', DESK],
  ['a phone', PHONE],
] as const)
  test(
    `on ${place} the three answers stand on the first screen, nothing runs over its side, and nothing is asked of a ` +
      'network',
    { timeout: 60_000 },
    async () => {
      for (const data of [usualReport, smallReport]) {
        const { page, noise } = await open(data, { viewport });
        for (const answer of answers) {
          const section = page.locator('header section', {
            has: page.getByRole('heading', { name: answer, exact: true }),
          });
          const figure = await section.locator('.figure').boundingBox();
          assert.ok(
            figure !== null &&
              figure.y >= 0 &&
              figure.y + figure.height <= viewport.height &&
              figure.x + figure.width <= viewport.width,
            `${answer} at ${JSON.stringify(figure)}`,
          );
        }
        assert.equal(await number(page, 'document.documentElement.scrollWidth'), viewport.width);
        for (const drawing of await page.locator('svg:visible').all()) {
          const box = await drawing.boundingBox();
          assert.ok(box !== null && box.width > 100 && box.height > 100);
          assert.ok(((await drawing.getAttribute('aria-label')) ?? '').length > 20, 'a drawing says what it shows');
        }
        assert.deepEqual(noise, []);
        await page.context().close();
      }
    },
  );

test(
  'axe finds nothing to object to, in the light and in the dark, on a desk and on a phone, with all that folds opened',
  { timeout: 120_000 },
  async () => {
    for (const viewport of [DESK, PHONE])
      for (const colorScheme of ['light', 'dark'] as const)
        for (const data of [usualReport, smallReport]) {
          const { page } = await open(data, { viewport, colorScheme }, false);
          await page.evaluate('for (const folded of document.querySelectorAll("details")) folded.open = true');
          assert.deepEqual(await violations(page), [], `${colorScheme}, ${viewport.width} pixels`);
          await page.context().close();
        }
  },
);

test('axe would find what is wrong', { timeout: 60_000 }, async () => {
  const { page } = await open(usualReport, { viewport: DESK }, false);
  await page.evaluate(
    'document.querySelector("svg").removeAttribute("aria-label"); ' +
      'document.querySelector(".summary").style.color = "#ddd"; ' +
      'document.documentElement.removeAttribute("lang")',
  );
  const found = (await violations(page)).map((violation) => violation.split(':')[0]).sort();
  for (const rule of ['color-contrast', 'html-has-lang', 'svg-img-alt']) assert.ok(found.includes(rule), found.join());
  await page.context().close();
});

/** Relative luminance of a CSS colour, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/\d+(?:\.\d+)?/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: string, b: string): number => {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

test(
  'text inside of drawings can be read in the light, in the dark and on paper, and paper is white',
  { timeout: 60_000 },
  async () => {
    const { page } = await open(usualReport, { viewport: DESK });
    const looks = [
      { colorScheme: 'light', media: 'screen' },
      { colorScheme: 'dark', media: 'screen' },
      { colorScheme: 'dark', media: 'print' },
    ] as const;
    for (const look of looks) {
      await page.emulateMedia(look);
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      assert.equal(
        luminance(ground) < 0.05,
        look.colorScheme === 'dark' && look.media === 'screen',
        `${JSON.stringify(look)}: ${ground}`,
      );
      const inks = await page.evaluate<string[]>(
        '[...new Set([...document.querySelectorAll("#training svg text, #frontier svg text, main svg text")]' +
          '.map((text) => getComputedStyle(text).fill))]',
      );
      assert.ok(inks.length >= 3, inks.join());
      for (const ink of inks) assert.ok(contrast(ink, ground) >= 4.5, `${ink} on ${ground}, ${JSON.stringify(look)}`);
    }
    await page.context().close();
  },
);

test('on paper all that folds is open, nothing is cut off, and the pages are few', { timeout: 60_000 }, async () => {
  const { page } = await open(usualReport, { viewport: { width: 720, height: 1000 } });
  await page.emulateMedia({ media: 'print' });
  assert.equal(await number(page, 'document.documentElement.scrollWidth'), 720);
  for (const name of ['Counts as a table', 'The line as a table']) {
    const table = page.locator('details', { has: page.locator('summary', { hasText: name }) }).locator('table');
    assert.ok(await table.isVisible(), name);
  }
  const pdf = await page.pdf({ format: 'A4', printBackground: false });
  const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
  assert.ok(pages >= 3 && pages <= 12, `${pages} pages`);
  await page.context().close();
});

test(
  'it is walked through by keyboard and by landmarks: headings in order, every part that scrolls has a name and ' +
    'takes the focus',
  { timeout: 60_000 },
  async () => {
    const { page } = await open(usualReport, { viewport: PHONE });
    const outline = await page.evaluate<number[]>(
      '[...document.querySelectorAll("h1, h2, h3")].map((heading) => Number(heading.tagName[1]))',
    );
    assert.equal(outline.filter((level) => level === 1).length, 1);
    outline.forEach((level, at) =>
      assert.ok(at === 0 || level <= outline[at - 1]! + 1, `h${level} after h${outline[at - 1] ?? 0}`),
    );
    for (const landmark of ['banner', 'main', 'contentinfo'] as const)
      assert.equal(await page.getByRole(landmark).count(), 1, landmark);
    for (const part of await page.locator('.scroll').all()) {
      assert.equal(await part.getAttribute('tabindex'), '0');
      assert.ok(((await part.getAttribute('aria-label')) ?? '') !== '');
    }
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.match(page.url(), /#guarantee$/);
    assert.equal(await page.locator('details[open]').count(), 0);
    await page.locator('summary').first().focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('details[open]').count(), 1);
    await page.context().close();
  },
);
