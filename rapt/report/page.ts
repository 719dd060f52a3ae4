/** A finished run as one HTML page that can be opened anywhere. */
import type { ReportData } from '../../contracts/index.ts';
import { factsOf } from './facts.ts';
import { html, Markup } from './html.ts';
import { attacks } from './sections/attacks.ts';
import { firstScreen } from './sections/first-screen.ts';
import { frontier } from './sections/frontier.ts';
import { gates } from './sections/gates.ts';
import { guarantee } from './sections/guarantee.ts';
import { configuration, howRead, lineage, repeating, timings } from './sections/origin.ts';
import { results } from './sections/results.ts';
import { training } from './sections/training.ts';
import { STYLE } from './style.ts';

/** Forbids the browser every request, so that a report can be opened anywhere without telling anybody. */
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export function renderPage(data: ReportData): string {
  const facts = factsOf(data);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${CONTENT_POLICY}" />
        <meta name="robots" content="noindex" />
        <title>Rapt: tuning run ${facts.run}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        ${firstScreen(facts)}
        <main>
          ${frontier(facts)} ${results(facts)} ${training(facts)} ${guarantee(facts)} ${attacks(facts)} ${gates(facts)}
          ${howRead(facts)} ${configuration(facts)} ${lineage(facts)} ${timings(facts)} ${repeating(facts)}
        </main>
        <footer>Made by Rapt. The report holds no text of the data owner; class names are shown as given.</footer>
      </body>
    </html> `;
  return page.text;
}
