/** What sections of the page are made of. */
import { html, type Child, type Markup } from '../html.ts';

export const section = (id: string, title: string, body: Markup): Markup =>
  html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${body}
  </section>`;

export const code = (text: string): Markup => html`<code>${text}</code>`;

export const bullets = (items: readonly string[], none: string): Markup =>
  items.length === 0
    ? html`<p>${none}</p>`
    : html`<ul class="plain">
        ${items.map((item) => html`<li>${item}</li>`)}
      </ul>`;

/** What may be wider than the page. It can be reached by keyboard, and says what it is. */
export const scrolling = (label: string, body: Markup): Markup =>
  html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">${body}</div>`;

/** The first column names the row. `numbers` aligns the others right. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  numbers = false,
): Markup {
  const align = numbers ? ' number' : '';
  const head = (name: string, index: number) => html`<th scope="col" class="${index > 0 ? align : ''}">${name}</th>`;
  const cell = (value: Child, index: number) =>
    index === 0 ? html`<th scope="row">${value}</th>` : html`<td class="${align}">${value}</td>`;
  const captionLine = html`<caption>
    <span>${caption}</span>
  </caption>`;
  return scrolling(
    caption || heads.join(', '),
    html`<table>
      ${caption !== '' && captionLine}
      <thead>
        <tr>
          ${heads.map(head)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}
