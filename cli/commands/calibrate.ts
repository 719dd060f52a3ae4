/** calibrate: choosing eta on the public table, before any private text is touched. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BadInput, DEFAULT_BACKBONE, DEFAULT_ETA, type FrontierPoint } from '../../contracts/index.ts';
import { mechanismOf, MECHANISMS, rateOf, type NoisyMechanism } from '../options/values.ts';
import { bar, percent, print, printJson, say, table } from '../terminal/output.ts';
import { assertFile } from '../options/written-files.ts';

interface CalibrateOptions {
  unchanged?: string;
  bayesAttack?: string;
  curve?: true;
  svg?: string;
  publicText?: string;
  mechanism?: string;
  backbone: string;
  json?: true;
}

const TARGETS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

const DESCRIPTION =
  'choose eta by what it does to words, or by what an adversary gets; on the public table, no private text is touched';
const PUBLIC_TEXT =
  "sentences like yours that are public, one a line: whose words the adversary expects. Default: Zipf's law";
const HELP = `
Examples: rapt calibrate --unchanged 0.3
          rapt calibrate --bayes-attack 0.2 --mechanism exponential
          rapt calibrate --curve --svg frontier.svg`;

export function addTo(program: Command): void {
  program
    .command('calibrate')
    .description(DESCRIPTION)
    .option('--unchanged <rate>', 'the eta at which this share of public tokens stays itself')
    .option('--bayes-attack <rate>', "the largest eta at which Bayes' rule guesses at most this share of tokens right")
    .option('--curve', 'the frontier: what stays against what an adversary gets, over eta')
    .option('--svg <file>', 'with --curve: draw it into this file')
    .option('--public-text <file>', PUBLIC_TEXT)
    .option('--mechanism <name>', 'exponential or laplace; default: both')
    .option('--backbone <name>', 'model folder, or name', DEFAULT_BACKBONE)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(calibrateEta);
}

async function calibrateEta(options: CalibrateOptions): Promise<void> {
  const { backbone, curve, svg, publicText, json } = options;
  const unchanged = rateOf('--unchanged', options.unchanged);
  const bayesAttack = rateOf('--bayes-attack', options.bayesAttack);
  if ([unchanged, bayesAttack, curve].filter((one) => one !== undefined).length > 1)
    throw new BadInput([{ where: 'rapt calibrate', problem: 'give one of --unchanged, --bayes-attack and --curve' }]);
  if (svg !== undefined && curve === undefined)
    throw new BadInput([{ where: '--svg', problem: 'draws the curve; give --curve as well' }]);
  assertFile('--svg', svg, { inPlace: true });
  const mechanisms = options.mechanism === undefined ? MECHANISMS : [mechanismOf(options.mechanism)];
  const points =
    bayesAttack === undefined && curve === undefined
      ? await byUnchanged(mechanisms, backbone, unchanged)
      : await onFrontier(mechanisms, backbone, publicText, bayesAttack);
  if (svg !== undefined) {
    const { frontierDrawing } = await import('../../rapt/report/index.ts');
    // A curve has every point in full.
    writeFileSync(svg, await frontierDrawing(points as FrontierPoint[]));
    say(`drawn: ${resolve(svg)}`);
  }
  if (json) printJson({ backbone, calibrations: points });
  else print(shown(points));
}

type Calibrated = Pick<FrontierPoint, 'mechanism' | 'eta' | 'unchanged'> & Partial<FrontierPoint>;

async function byUnchanged(
  mechanisms: readonly NoisyMechanism[],
  backbone: string,
  target: number | undefined,
): Promise<Calibrated[]> {
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { calibrate } = await import('../../rapt/privacy/index.ts');
  const { table: phi, outputIds } = await openBackbone(backbone);
  const targets = target === undefined ? TARGETS : [target];
  return mechanisms.flatMap((mechanism) =>
    targets.map((targetUnchanged) => ({
      mechanism,
      ...calibrate({ name: mechanism, table: phi, outputIds, targetUnchanged }),
    })),
  );
}

/** @param target share of right guesses; undefined follows the whole curve. */
async function onFrontier(
  mechanisms: readonly NoisyMechanism[],
  backbone: string,
  publicText: string | undefined,
  target: number | undefined,
): Promise<FrontierPoint[]> {
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { tokenizedLines } = await import('../../rapt/client/index.ts');
  const { Frontier, frontierCurve, zipfFrontier } = await import('../../rapt/attacks/index.ts');
  const { countedPrior, zipfPrior } = await import('../../rapt/channel/index.ts');
  const { table: phi, outputIds, tokenizer } = await openBackbone(backbone);
  const told = ({ mechanism, eta, bayes }: FrontierPoint): void =>
    say(`${mechanism}, eta ${eta}: Bayes' rule gets ${percent(bayes)}`);
  const points: FrontierPoint[] = [];
  if (target === undefined && publicText === undefined) {
    for (const mechanism of mechanisms)
      points.push(...(await zipfFrontier(mechanism, { table: phi, outputIds }, told)));
    return points;
  }
  const zipf = zipfPrior(phi.rows, outputIds);
  const prior = publicText === undefined ? zipf : countedPrior(await tokenizedLines(publicText, tokenizer), zipf);
  say('measuring the distances of all pairs of tokens');
  const frontier = await Frontier.open({ table: phi, outputIds, prior });
  for (const mechanism of mechanisms) {
    if (target !== undefined) points.push(await frontier.forBayes(mechanism, target, DEFAULT_ETA[mechanism], told));
    else points.push(...(await frontierCurve(frontier, mechanism, { table: phi, outputIds }, told)));
  }
  return points;
}

const BAR_WIDTH = 20;
const FRONTIER_HEAD = ['mechanism', 'eta', 'unchanged', 'unchanged in a text', "Bayes' rule right", 'among its ten'];

function shown(points: readonly Calibrated[]): string {
  const [first] = points;
  if (first?.bayes === undefined)
    return table([
      ['mechanism', 'eta', 'unchanged'],
      ...points.map(({ mechanism, eta, unchanged }) => [mechanism, String(eta), percent(unchanged)]),
    ]);
  return `${table([FRONTIER_HEAD, ...points.map(frontierRow)])}\n\n${legend(first.priorOnly ?? 0)}`;
}

const frontierRow = ({ mechanism, eta, unchanged, unchangedInText, bayes, bayesTop10 }: Calibrated): string[] => [
  mechanism,
  String(eta),
  percent(unchanged),
  drawn(unchangedInText),
  drawn(bayes),
  percent(bayesTop10 ?? 0),
];

const drawn = (share = 0): string => `${bar(share, BAR_WIDTH)} ${percent(share)}`;

/** @param priorOnly what the adversary guesses right without any release. */
const legend = (priorOnly: number): string =>
  [
    "unchanged: share of the vocabulary's tokens, all counted alike; " +
      'in a text: of tokens as frequent as the prior says.',
    "Bayes' rule: what an adversary gets who knows the mechanism and these frequencies; " +
      `without any release ${percent(priorOnly)}. Shares are known to about a point.`,
    'For laplace they use a fitted channel, since no closed form is known: what is shown is the least that they get.',
  ].join('\n');
