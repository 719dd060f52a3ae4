import type { GateResult } from '../../../contracts/index.ts';
import type { Facts } from '../facts.ts';
import { gateInWords, verdict } from '../gate-words.ts';
import { html, type Markup } from '../html.ts';
import { scrolling, section } from './parts.ts';

export function gates({ gates: checked }: Facts): Markup | null {
  if (checked.length === 0) return null;
  return section(
    'gates',
    'Gates',
    scrolling(
      'Gates',
      html`<table>
        <thead>
          <tr>
            <th scope="col">Gate</th>
            <th scope="col" class="number">Value</th>
            <th scope="col" class="number">Bound</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          ${checked.map(row)}
        </tbody>
      </table>`,
    ),
  );
}

function row(checked: GateResult): Markup {
  const { found, bound, baseline } = gateInWords(checked);
  const origin = baseline && html` (run <code>${baseline.run}</code>: ${baseline.value})`;
  return html`<tr>
    <th scope="row" class="mono">${checked.gate}</th>
    <td class="number">${found}</td>
    <td class="number">${bound ?? '–'}${origin}</td>
    <td class="${checked.passed ? 'good' : 'bad'}">${checked.passed ? '✓' : '✗'} ${verdict(checked)}</td>
  </tr>`;
}
