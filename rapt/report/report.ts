import type { ReportData } from '../../contracts/index.ts';
import { explainGuarantee } from '../privacy/index.ts';
import { firstScreen } from './first-screen.ts';
import { html, Markup } from './html.ts';
import { reading } from './reading.ts';
import {
  attacks,
  configuration,
  frontier,
  gates,
  guaranteeInWords,
  lineage,
  repeating,
  results,
  timings,
  training,
} from './sections.ts';
import { STYLE } from './style.ts';

/** Sentences whose content the section shows as lists. */
const LISTED = /^(Not covered|Covered):/;
/** Forbids the browser every request, so that a report can be opened anywhere without telling anybody. */
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** One HTML page about a finished run: no script, no request, no file beside it. Equal data give equal bytes. */
export function renderReport(data: ReportData): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}" />
        <meta name="robots" content="noindex" />
        <title>Rapt: tuning run ${data.run}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        ${firstScreen(data)}
        <main>
          ${frontier(data)} ${results(data)} ${training(data)}
          ${guaranteeInWords(
            data,
            explainGuarantee(data.guarantee, data.textLengths).filter((sentence) => !LISTED.test(sentence)),
          )}
          ${attacks(data)} ${gates(data)} ${reading(data)} ${configuration(data)} ${lineage(data)} ${timings(data)}
          ${repeating(data)}
        </main>
        <footer>Made by Rapt. The report holds no text of the data owner; class names are shown as given.</footer>
      </body>
    </html> `;
  return page.text;
}
