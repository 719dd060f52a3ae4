/** A proposal as a commented configuration: YAML that `rapt run -f` takes as it is. */
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { projectRoot } from '../../system/index.ts';
import { percent } from '../terminal/output.ts';
import { backboneWrittenIn, datasetWrittenIn } from '../options/config-paths.ts';
import type { Proposal } from './proposal.ts';

/** The published schema, by which editors complete and check the file. */
export const SCHEMA_FILE = join('docs', 'tuning.schema.json');

const LISTED_CLASSES = 12;

/** @param path of the file, beside which the table's is told. */
export function tuningFile(
  { file, rows, proposed, classes, lengths, cut, notes, duplicates, etas, cost, config }: Proposal,
  path: string,
): string {
  const folder = dirname(resolve(path));
  const table = datasetWrittenIn(folder, file);
  const { data, privacy, tuning, backbone, tenant } = config;
  const all = rows.train + rows.test;
  const [first, ...others] = etas;
  const plain = proposed.otherTexts.map(inComment);
  return `# yaml-language-server: $schema=${pathToFileURL(join(projectRoot, SCHEMA_FILE)).href}
#
# Proposed by \`rapt init\` for ${inComment(table)}: ${all} rows.
# Start it by \`rapt run -f ${path} --wait\`. Every setting there is: \`rapt schema\`. A line without its "# " takes effect.
${notes.map((note) => `# Note: ${inComment(note)}.\n`).join('')}
${tenant === 'local' ? '# tenant: local' : `tenant: ${scalar(tenant)}`}

data:
  # Paths in this file are relative to the folder that it lies in.
  train: ${scalar(table)}
  textColumn: ${scalar(proposed.text)}
${
  proposed.pair === undefined
    ? plain.length === 0
      ? ''
      : `  # Looks like texts as well: ${plain.join(', ')}. For a task on two texts:\n  # pairColumn: ` +
        `${scalar(proposed.otherTexts[0]!)}\n`
    : `  pairColumn: ${scalar(proposed.pair)}\n`
}  # ${classes.length} classes: ${listed(classes)}
  labelColumn: ${scalar(proposed.label)}
  # Tokens kept of each row. The rows have ${lengths.p05} / ${lengths.p50} / ${lengths.p95} / ${lengths.p99} (5 / 50 / 95 / 99 % of them), the longest ${lengths.most}; ${cut} rows are cut here.
  maxTokens: ${data.maxTokens}
  # ${rows.train} rows train, ${rows.test} are held out to test on. A table of your own for that: test: FILE
  testFraction: ${data.testFraction}

privacy:
  mechanism: ${privacy.mechanism}
  # The smaller, the more is hidden. Share of the vocabulary's tokens that stay themselves: ${percent(first!.unchanged)} here;
  # ${others.map(({ eta, unchanged }) => `${percent(unchanged)} at ${eta}`).join(', ')}. What an adversary gets: \`rapt calibrate --curve\`.
  eta: ${first!.eta}
  # Training labels leave as they are, unless each is drawn under an epsilon:
  # labelEpsilon: 3
  # This run spends eta ${cost.etaOfText} of each text${
    duplicates.most > 1 ? `, and ${duplicates.most} times that of ` + 'the one that is repeated most' : ''
  }. Refuse what would exceed:
  # budget: { perText: ${cost.etaOfText} }

${
  backbone === 'all-MiniLM-L6-v2'
    ? `# backbone: ${backbone}`
    : 'backbone: ' + scalar(backboneWrittenIn(folder, backbone))
}

tuning:
  method: ${tuning.method}
  length: ${tuning.length}
  # ${cost.steps} steps of ${tuning.batchSize} rows: about ${minutes(cost.minutes)}, ${rateInWords(cost.rate)}.
  epochs: ${tuning.epochs}
  batchSize: ${tuning.batchSize}

# The command ends with code 3 unless these hold. Always answering the most frequent class gets ${percent(majority(classes))}.
# gates:
#   accuracy: ">=${Math.min(0.99, majority(classes) + 0.05).toFixed(2)}"
#   bayesTop10: "<=0.75"
`;
}

/** At least 0.1: less is lost in what the process takes by itself. */
export const gibibytes = (bytes: number): string => `${Math.max(0.1, bytes / 2 ** 30).toFixed(1)} GiB`;

export const minutes = (value: number): string =>
  value < 1 ? 'a minute' : value < 90 ? `${Math.ceil(value)} minutes` : `${(value / 60).toFixed(1)} hours`;

export const rateInWords = ({ measuredIn, tokensPerSecond }: Proposal['cost']['rate']): string =>
  measuredIn === null
    ? 'on 2 cores without a GPU'
    : `as fast as run ${measuredIn} was here (${Math.round(tokensPerSecond)} tokens/s)`;

export const majority = (classes: Proposal['classes']): number =>
  Math.max(...classes.map(({ rows }) => rows)) / classes.reduce((sum, { rows }) => sum + rows, 0);

function listed(classes: Proposal['classes']): string {
  const names = classes.slice(0, LISTED_CLASSES).map(({ name, rows }) => `${inComment(name)} (${rows})`);
  return names.join(', ') + (classes.length > LISTED_CLASSES ? ` and ${classes.length - LISTED_CLASSES} more` : '');
}

const scalar = (text: string): string => stringify(text, { lineWidth: 0 }).trimEnd();

/** On one line, whatever a name holds. */
const inComment = (text: string): string => text.replaceAll(/\s+/g, ' ');
