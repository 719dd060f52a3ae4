/** Sentences and commands that the page and the Markdown have in common, without the markup of either. */
import type { ReportData } from '../../contracts/index.ts';
import type { Facts } from './facts.ts';
import { count, percent, points } from './words.ts';

/** How good and how private, in one sentence each. */
export function answers({ metrics, lead, beatsMajority, guarantee, unchangedRate }: Facts): string {
  const than = 'always answering the most frequent class';
  const compared = beatsMajority
    ? `${points(lead)} more than ${than} would.`
    : `which is not reliably better than ${than} (${percent(metrics.majorityRate)}).`;
  const right = `${percent(metrics.accuracy)} of ${count(metrics.n)} held-out rows`;
  const privacy =
    guarantee.mechanism === 'none'
      ? 'No noise was added: the text left in plain tokens.'
      : `Only noisy tokens left the data owner; ${percent(unchangedRate)} of the tokens stayed as they were.`;
  return `The tuned model classifies ${right} correctly, ${compared} ${privacy}`;
}

export const READING_TITLE = 'How the tables were read';

/** How the tables were read: what was left out or taken instead, and what the backbone does not know. Empty where
 *  nothing is known, as in reports of earlier versions. */
export function reading({ notes = [], unknownRate }: ReportData): string[] {
  const sentences = notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`);
  if (unknownRate === undefined) return sentences;
  const unknown = unknownRate === 0 ? 'Hardly any token is' : `${Math.round(unknownRate * 100)} % of the tokens are`;
  return [...sentences, `${unknown} unknown to the backbone's tokenizer.`];
}

/** Commands that repeat the run, check it and use its adapter. */
export function commands({ run, reference }: Pick<Facts, 'run' | 'reference'>): string {
  const id = shellWord(run);
  return [
    '# the same run again: the release is found by its content and not drawn anew',
    'rapt run -f config.json --wait',
    '',
    '# every artifact against its digest; what the guarantee says, in words',
    `rapt verify ${id}`,
    `rapt privacy explain --run ${id}`,
    ...(reference === null
      ? []
      : ['', '# whether the difference is more than chance', `rapt compare ${shellWord(reference)} ${id}`]),
    '',
    '# classify other texts; they are privatized on this side first',
    `rapt predict --run ${id} --in texts.csv --out answers.csv`,
    '',
    '# the adapter as files, and this report for programs',
    `rapt export --run ${id} --out adapter`,
    `rapt report --run ${id} --format json`,
  ].join('\n');
}

/** Quotes a word for a POSIX shell when it needs it. */
const shellWord = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
