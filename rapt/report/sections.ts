import { baselinesOf, type Rate, type ReportData } from '../../contracts/index.ts';
import { ATTACK_NAMES, BLIND_GUESSES } from './attack-names.ts';
import { confusionMatrix, learningCurves } from './charts.ts';
import { bytes, count, duration, number, percent, shellWord, timing } from './format.ts';
import { markedFrontier, type Mark } from './frontier.ts';
import { html, type Child, type Markup } from './html.ts';
import { settings, shareableConfig } from './settings.ts';
import { classScores } from '../evaluation/index.ts';

/** Rows of the loss table in the page; the curves show every point. */
const MOST_LOSS_ROWS = 25;
/** A wider table of counts is of no use to a reader. */
const MOST_CONFUSION_COLUMNS = 24;

export function training(data: ReportData): Markup {
  const { history, metrics } = data;
  const last = history.at(-1);
  if (!last) return section('training', 'Training', html`<p>No losses were recorded.</p>`);
  const first = history[0] ?? last;
  const reconstruction =
    last.reconstructionLoss === null || last.reconstructionAccuracy === null
      ? 'Nothing was reconstructed in this run.'
      : `Its reconstruction loss ended at ${number(last.reconstructionLoss)}, with ` +
        `${percent(last.reconstructionAccuracy)} of the plain tokens right.`;
  const label =
    `Loss and accuracy over ${count(last.step)} optimizer steps. Task loss from ${number(first.taskLoss)} to ` +
    `${number(last.taskLoss)}; ` +
    `training rows right from ${percent(first.accuracy)} to ${percent(last.accuracy)}. ${reconstruction}`;
  return section(
    'training',
    'Training',
    html`<figure>
        <div class="scroll" tabindex="0" role="group" aria-label="Learning curves">
          ${learningCurves(history, metrics.accuracy, label)}
        </div>
        <figcaption>
          ${count(last.step)} optimizer steps, ${number(last.epoch)} epochs. Solid blue: task. Dashed orange:
          reconstruction of the random plain tokens. Each point is the mean over the steps since the point before.
          ${reconstruction}
        </figcaption>
      </figure>
      <details>
        <summary>Losses as a table</summary>
        ${table(
          'Losses and shares over the steps, thinned',
          ['Step', 'Epoch', 'Loss', 'Task', 'Reconstruction', 'Rows right', 'Plain tokens right', 'Gradient norm'],
          thin(history, MOST_LOSS_ROWS).map((point) => [
            count(point.step),
            number(point.epoch),
            number(point.loss),
            number(point.taskLoss),
            point.reconstructionLoss === null ? '–' : number(point.reconstructionLoss),
            percent(point.accuracy),
            point.reconstructionAccuracy === null ? '–' : percent(point.reconstructionAccuracy),
            number(point.gradientNorm),
          ]),
          true,
        )}
      </details>`,
  );
}

export function results({ classes, classCounts, metrics }: ReportData): Markup {
  const scores = classScores(metrics.confusion);
  const share = (value: number | null) => (value === null ? '–' : percent(value));
  const label =
    `Confusion matrix of ${classes.length} classes over ${count(metrics.n)} held-out rows; the counts stand in the ` +
    'table after it.';
  const reconstruction =
    metrics.reconstruction &&
    html`<p>
      Of ${count(metrics.reconstruction.n)} held-out random plain tokens, ${percent(metrics.reconstruction.accuracy)}
      were reconstructed from their noisy versions. The head that does so is thrown away after training.
    </p>`;
  return section(
    'results',
    'Results by class',
    html`<figure>
        <div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix">
          ${confusionMatrix(classes, metrics.confusion, label)}
        </div>
        <figcaption>
          Counts of held-out rows. The darker a cell, the larger its share of the true class. Blue: right. Orange:
          wrong.
        </figcaption>
      </figure>
      ${
        classes.length > MOST_CONFUSION_COLUMNS
          ? null
          : html`<details>
              <summary>Counts as a table</summary>
              ${table(
                'Held-out rows by true class (down) and predicted class (across)',
                ['True class', ...classes],
                metrics.confusion.map((row, truth) => [classes[truth] ?? '', ...row.map(count)]),
                true,
              )}
            </details>`
      }
      ${table(
        'Precision, recall and F1 of each class on the held-out rows',
        ['Class', 'Training rows', 'Held-out rows', 'Predicted', 'Precision', 'Recall', 'F1'],
        classes.map((name, index) => {
          const score = scores[index];
          return [
            name,
            count(classCounts[index] ?? 0),
            count(score?.support ?? 0),
            count(score?.predicted ?? 0),
            share(score?.precision ?? null),
            share(score?.recall ?? null),
            share(score?.f1 ?? null),
          ];
        }),
        true,
      )}
      ${reconstruction}`,
  );
}

export function gates({ gates: checked }: ReportData): Markup | null {
  if (checked.length === 0) return null;
  return section(
    'gates',
    'Gates',
    html`<div class="scroll" tabindex="0" role="group" aria-label="Gates">
      <table>
        <thead>
          <tr>
            <th scope="col">Gate</th>
            <th scope="col" class="number">Value</th>
            <th scope="col" class="number">Bound</th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          ${checked.map(
            ({ gate, value, passed, bound, baseline, reason }) =>
              html`<tr>
                <th scope="row" class="mono">${gate}</th>
                <td class="number">${value === null ? (reason ?? 'not measured') : number(value)}</td>
                <td class="number">
                  ${bound === undefined ? '–' : number(bound)}${baseline === undefined ? null : html` (run <code>${baseline.run}</code>: ${number(baseline.value)})`}
                </td>
                <td class="${passed ? 'good' : 'bad'}">${passed ? '✓ passed' : '✗ missed'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`,
  );
}

export function guaranteeInWords({ guarantee }: ReportData, sentences: readonly string[]): Markup {
  const { table: phi } = guarantee;
  const quantiles = (name: string, of: { p05: number; p50: number; p95: number }) => [
    name,
    number(of.p05),
    number(of.p50),
    number(of.p95),
  ];
  return section(
    'guarantee',
    'What the guarantee says',
    html`${sentences.map((sentence) => html`<p>${sentence}</p>`)}
      <div class="columns">
        <div>
          <h3>Covered</h3>
          ${bullets(guarantee.covered, 'Nothing.')}
        </div>
        <div>
          <h3>Not covered</h3>
          ${bullets(guarantee.notCovered, 'Nothing is excluded.')}
        </div>
      </div>
      ${table(
        'What gives eta its meaning: the public embedding table',
        ['Measure', '5 %', 'median', '95 %'],
        [
          quantiles('Length of a token’s vector', phi.norm),
          quantiles('Distance to the nearest other token', phi.neighbourDistance),
          ...(guarantee.neighbourLogRatio
            ? [quantiles('Log-ratio bound at that distance', guarantee.neighbourLogRatio)]
            : []),
        ],
        true,
      )}
      <p class="note">
        ${count(phi.rows)} tokens of ${count(phi.dimensions)} dimensions, ${count(phi.outputTokens)} of them public
        output tokens.
        ${guarantee.numericalSlack ? html`Finite precision adds at most ${guarantee.numericalSlack.toExponential(1)} to the bound.` : null}
        ${guarantee.numericalDelta ? html`Finite precision costs a chance of at most ${guarantee.numericalDelta.toExponential(1)} for each token.` : null}
        Table SHA-256 <code>${phi.sha256}</code>
      </p>`,
  );
}

/** What attacks with full knowledge of the mechanism get, beside what guessing blindly gets. */
export function attacks({ audit, guarantee }: ReportData): Markup | null {
  if (audit === null) return null;
  const shown = ({ value, low, high }: Rate): string => `${percent(value)} (${percent(low)} to ${percent(high)})`;
  const { attacks: onTokens, attributes, deniability } = audit;
  return section(
    'attacks',
    'What attacks get',
    html`<p>
        The data owner attacked this release with the plain text at hand to tell what was right: ${count(audit.tokens)}
        tokens of ${count(audit.texts)} texts.
        ${
          guarantee.private
            ? 'The bound above holds against every adversary; ' + 'this table is what these ones achieve.'
            : 'Nothing was hidden from them.'
        }
      </p>
      ${
        onTokens.length === 0
          ? null
          : table(
              'Tokens guessed right, with 95 % intervals over texts',
              ['Attack', 'Right', 'Without the release', 'Most frequent token alone'],
              onTokens.map((one) => {
                const { withoutRelease, mostFrequent } = baselinesOf(one);
                const without = withoutRelease === null ? '–' : shown(withoutRelease);
                return [ATTACK_NAMES[one.attack] ?? one.attack, shown(one.success), without, shown(mostFrequent)];
              }),
              true,
            )
      }
      ${onTokens.length === 0 ? null : html`<p class="note">${BLIND_GUESSES}</p>`}
      ${
        attributes.length === 0
          ? null
          : table(
              'Attributes of texts guessed right, with 95 % intervals',
              ['Attribute', 'From the release', 'Most frequent value given', 'From the plain text', 'Texts'],
              attributes.map(({ attribute, success, priorOnly, onPlainText, n }) => [
                attribute,
                shown(success),
                shown(priorOnly),
                shown(onPlainText),
                count(n),
              ]),
              true,
            )
      }
      ${
        deniability === null
          ? null
          : table(
              `Plausible deniability of ${count(deniability.types)} tokens, spread evenly over the public vocabulary`,
              ['Measure', '5 %', 'median', '95 %'],
              [
                [
                  'Chance that a token stays itself',
                  percent(deniability.staysItself.p05),
                  percent(deniability.staysItself.p50),
                  percent(deniability.staysItself.p95),
                ],
                [
                  `Different outputs in ${count(deniability.draws)} draws`,
                  ...[
                    deniability.differentOutputs.p05,
                    deniability.differentOutputs.p50,
                    deniability.differentOutputs.p95,
                  ].map((value) => count(Math.round(value))),
                ],
              ],
              true,
            )
      }`,
  );
}

/** Where this run stands among the choices that there were, and other runs of the same client with it. */
export function frontier({
  run,
  frontier: points,
  others,
  unchangedRate,
  audit,
  guarantee,
  metrics,
}: ReportData): Markup | null {
  if (points.length === 0 && others.length === 0) return null;
  const { mechanism, eta } = guarantee;
  const bayes = audit?.attacks.find(({ attack }) => attack === 'bayes')?.success ?? null;
  const own = { run, mechanism, eta, unchangedRate, bayes, accuracy: metrics.accuracy, n: metrics.n, sameData: true };
  const comparable = others.filter((other) => other.mechanism === mechanism);
  const marks = [own, ...comparable].flatMap((one, at): Mark[] =>
    one.bayes === null
      ? []
      : [{ x: one.unchangedRate, y: one.bayes.value, own: at === 0, name: at === 0 ? 'this run' : `run ${one.run}` }],
  );
  const measured = marks.some((mark) => mark.own);
  const drawn =
    points.length === 0
      ? null
      : html`<figure>
            <div class="scroll" tabindex="0" role="group" aria-label="Utility and privacy by eta">
              ${markedFrontier(points, marks)}
            </div>
            <figcaption>
              The line is what the ${mechanism} mechanism does to words as frequent as Zipf's law says, with eta beside
              each point; it is made from the public table alone.
              ${
                measured
                  ? 'The diamond is this run, on ' + 'its own texts.'
                  : 'This run was not attacked, so ' + 'that it is not marked.'
              }
              ${marks.length > (measured ? 1 : 0) ? 'Rings are other runs of this client.' : null} Farther right more of
              a text is kept to learn from; farther up more of it is given away.
            </figcaption>
          </figure>
          <details>
            <summary>The line as a table</summary>
            ${table(
              'What stays and what an adversary gets, by eta',
              ['Eta', 'Tokens of a text that stay', "Bayes' rule right", 'Among its ten likeliest'],
              points.map((point) => [
                number(point.eta),
                percent(point.unchangedInText),
                percent(point.bayes),
                percent(point.bayesTop10),
              ]),
              true,
            )}
          </details>`;
  return section(
    'frontier',
    'Utility against privacy',
    html`${drawn}
    ${table(
      others.length === 0
        ? 'This run; no other finished run of this client used the same public table'
        : 'This run, and other finished runs of this client, the newest first',
      ['Run', 'Mechanism', 'Eta', 'Tokens that stayed', "Bayes' rule right", 'Accuracy'],
      [own, ...others].map((one, at) => [
        at === 0 ? html`<strong>${one.run}</strong>` : one.run,
        one.mechanism,
        one.eta === null ? '–' : number(one.eta),
        percent(one.unchangedRate),
        one.bayes === null ? 'not attacked' : percent(one.bayes.value),
        html`${percent(one.accuracy)}${one.sameData ? null : html` <small>(other texts)</small>`}`,
      ]),
      true,
    )}`,
  );
}

export function lineage({ release, adapter, guarantee, lineage: made }: ReportData): Markup {
  const objects = [release.manifest, ...Object.values(adapter.files)];
  return section(
    'lineage',
    'Where everything comes from',
    html`${table(
      '',
      ['What', 'SHA-256'],
      [
        ['Release (manifest of the privatized shards)', code(release.digest)],
        ['Adapter', code(adapter.digest)],
        ['Backbone (weights)', code(made.backbone)],
        ['Embedding table of the backbone', code(guarantee.table.sha256)],
        ['Configuration (keyed by the client)', code(made.configuration)],
        ['Code of the client', code(made.code)],
      ],
    )}
    ${table(
      'Stored objects',
      ['Object', 'Size', 'SHA-256'],
      objects.map((object) => [code(`${object.bucket}/${object.key}`), bytes(object.sizeBytes), code(object.sha256)]),
    )}`,
  );
}

export function configuration({ config }: ReportData): Markup {
  const rows = settings(config).map(([name, value]) => [code(name), code(value)]);
  return section(
    'configuration',
    'Configuration',
    table('Every field, defaults included. Files, folders and columns are not named.', ['Field', 'Value'], rows),
  );
}

export function timings({ timing: measured, history, resumed }: ReportData): Markup | null {
  const entries = Object.entries(measured);
  if (entries.length === 0) return null;
  const trained = measured['trainSeconds'] ?? (measured['trainMs'] ?? 0) / 1000;
  const steps = history.at(-1)?.step ?? 0;
  const perStep =
    trained > 0 && steps > 0 && resumed === null
      ? html`<p class="note">${duration(trained / steps)} for each optimizer step.</p>`
      : null;
  const rows = entries.map(([key, value]) => {
    const shown = timing(key, value);
    return [shown.name, shown.value];
  });
  return section('timing', 'Timing', html`${table('', ['Part', 'Time'], rows)} ${perStep}`);
}

export function repeating({ run, config, named, baseline }: ReportData): Markup {
  return section(
    'repeat',
    'How to repeat it',
    html`<pre
        tabindex="0"
        aria-label="Commands"
      ><code>${commands(run, named?.run ?? baseline?.run ?? null)}</code></pre>
      <p class="note">
        Equal data, configuration and backbone give an adapter of equal digest. <code>config.json</code>:
      </p>
      <pre
        tabindex="0"
        aria-label="config.json"
      ><code>${JSON.stringify(shareableConfig(config), null, 2)}</code></pre>`,
  );
}

/** @param other a run to compare with. */
export function commands(run: string, other: string | null): string {
  const id = shellWord(run);
  return [
    '# the same run again: the release is found by its content and not drawn anew',
    'rapt run -f config.json --wait',
    '',
    '# every artifact against its digest; what the guarantee says, in words',
    `rapt verify ${id}`,
    `rapt privacy explain --run ${id}`,
    ...(other === null
      ? []
      : ['', '# whether the difference is more than chance', `rapt compare ${shellWord(other)} ${id}`]),
    '',
    '# classify other texts; they are privatized on this side first',
    `rapt predict --run ${id} --in texts.csv --out answers.csv`,
    '',
    '# the adapter as files, and this report for programs',
    `rapt export --run ${id} --out adapter`,
    `rapt report --run ${id} --format json`,
  ].join('\n');
}

export const section = (id: string, title: string, body: Markup): Markup =>
  html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${body}
  </section>`;

const code = (text: string): Markup => html`<code>${text}</code>`;

export const bullets = (items: readonly string[], none: string): Markup =>
  items.length === 0
    ? html`<p>${none}</p>`
    : html`<ul class="plain">
        ${items.map((item) => html`<li>${item}</li>`)}
      </ul>`;

/** The first column names the row. `numbers` aligns the others right. */
function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
  numbers = false,
): Markup {
  const align = numbers ? ' number' : '';
  const head = (name: string, index: number) => html`<th scope="col" class="${index > 0 ? align : ''}">${name}</th>`;
  const cell = (value: Child, index: number) =>
    index === 0 ? html`<th scope="row">${value}</th>` : html`<td class="${align}">${value}</td>`;
  // Scrolling parts can be reached by keyboard, and say what they are.
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption || heads.join(', ')}">
    <table>
      ${
        caption === ''
          ? null
          : html`<caption>
              <span>${caption}</span>
            </caption>`
      }
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
    </table>
  </div>`;
}

/** At most `most` items, evenly spaced, the last among them. */
function thin<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, index) => items[Math.round((index * (items.length - 1)) / (most - 1))] as T);
}
