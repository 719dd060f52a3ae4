/** Guesses which columns of a table hold the texts and the labels, for a person to confirm. */
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import { checkColumns } from './columns.ts';
import type { ColumnSurvey, TableSurvey } from './survey.ts';
import type { TableColumns } from './table.ts';

const TEXT_NAMES = new RegExp(
  'text|sentence|review|comment|body|content|note|message|description|' +
    'question|premise|title|subject|abstract|tweet|post|utterance|query',
  'i',
);
const LABEL_NAMES = /label|class|categor|sentiment|star|rating|target|score|topic|intent|polarity|gold|^y$/i;
/** Endings by which the two columns of a pair task are told: "question1" and "question2", "text_a" and "text_b". */
const PAIR_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(.*?)[_-]?1$/, '2'],
  [/^(.*?)[_-]?a$/i, 'b'],
];
/** Names of the two columns of a pair task: the first and the second. */
const PAIR_WORDS: Readonly<Record<string, string>> = {
  premise: 'hypothesis',
  text: 'pair',
  query: 'passage',
  question: 'answer',
};

/** Texts have at least so many words, on average. */
const LEAST_WORDS = 2;
/** Labels have at most so many words, on average: a class may be called "rather good". */
const MOST_LABEL_WORDS = 4;
/** A column with more values is seldom meant, and a list of their names would be much of its content. */
const MOST_PROPOSED_CLASSES = 50;

const NO_TEXTS =
  `has no column that looks like texts (${LEAST_WORDS} words and more, mostly different); ` +
  'name it with --text-column';
const NO_LABELS =
  `has no column that looks like labels (2 to ${MOST_PROPOSED_CLASSES} different short values); ` +
  'name it with --label-column';

/** The columns that the user has named already. The others are proposed. */
export type ChosenColumns = Partial<TableColumns>;

export interface ProposedColumns extends TableColumns {
  readonly label: string;
  /** Other columns that look like texts. */
  readonly otherTexts: readonly string[];
}

/** Proposes the columns that the user has not named. It names columns, so its result is for the owner's terminal.
 *  @throws BadInput when no column looks like texts, or none looks like labels. */
export function proposeColumns(
  file: string,
  { columns, rows }: TableSurvey,
  chosen: ChosenColumns = {},
): ProposedColumns {
  const missing = checkColumns(
    file,
    columns.map(({ name }) => name),
    [
      ...(chosen.text === undefined ? [] : [{ name: chosen.text, field: '--text-column' }]),
      ...(chosen.pair === undefined ? [] : [{ name: chosen.pair, field: '--pair-column' }]),
      ...(chosen.label === undefined ? [] : [{ name: chosen.label, field: '--label-column' }]),
    ],
    { list: true },
  );
  if (missing.length > 0) throw new BadInput(missing);
  const taken = new Set([chosen.text, chosen.pair, chosen.label]);
  const free = columns.filter(({ name }) => !taken.has(name));
  const texts = free
    .filter((column) => looksLikeTexts(column, rows))
    .sort((a, b) => named(b, TEXT_NAMES) - named(a, TEXT_NAMES) || b.meanWords - a.meanWords);
  const paired = texts.find(({ name }) => secondOf(name, texts) !== undefined);
  const text = chosen.text ?? (paired ?? texts[0])?.name;
  const pair = chosen.pair ?? (chosen.text === undefined && text !== undefined ? secondOf(text, texts) : undefined);
  // If two columns are equally good, the last one is taken: labels stand at the end more often than ids and dates do.
  const labels = free
    .filter((column) => column.name !== text && column.name !== pair && looksLikeLabels(column, rows))
    .reverse()
    .sort((a, b) => named(b, LABEL_NAMES) - named(a, LABEL_NAMES) || (a.distinct ?? 0) - (b.distinct ?? 0));
  const label = chosen.label ?? labels[0]?.name;
  const problems: InputProblem[] = [
    ...(text === undefined ? [{ where: file, problem: NO_TEXTS }] : []),
    ...(label === undefined ? [{ where: file, problem: NO_LABELS }] : []),
  ];
  if (text === undefined || label === undefined) throw new BadInput(problems);
  return {
    text,
    pair,
    label,
    otherTexts: texts.map(({ name }) => name).filter((name) => name !== text && name !== pair),
  };
}

const named = ({ name }: ColumnSurvey, names: RegExp): number => (names.test(name) ? 1 : 0);

function looksLikeTexts({ meanWords, numeric, distinct }: ColumnSurvey, rows: number): boolean {
  return !numeric && meanWords >= LEAST_WORDS && (distinct === null || distinct > rows / 2);
}

function looksLikeLabels({ meanWords, distinct, empty }: ColumnSurvey, rows: number): boolean {
  return (
    empty < rows / 2 &&
    distinct !== null &&
    distinct >= 2 &&
    distinct <= MOST_PROPOSED_CLASSES &&
    distinct <= rows / 2 &&
    meanWords <= MOST_LABEL_WORDS
  );
}

function secondOf(text: string, texts: readonly ColumnSurvey[]): string | undefined {
  const find = (name: string): string | undefined =>
    texts.find((other) => other.name.toLowerCase().replaceAll(/[_-]/g, '') === name.toLowerCase())?.name;
  for (const [first, second] of PAIR_NAMES) {
    const stem = first.exec(text)?.[1];
    const found = stem === undefined || stem === '' ? undefined : find(stem.replaceAll(/[_-]/g, '') + second);
    if (found !== undefined) return found;
  }
  const other = PAIR_WORDS[text.toLowerCase()];
  return other === undefined ? undefined : find(other);
}
