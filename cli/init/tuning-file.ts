/** A proposal as a commented configuration: YAML that `rapt run -f` takes as it is. */
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { DEFAULT_BACKBONE } from '../../contracts/index.ts';
import { projectRoot } from '../../system/index.ts';
import { percent } from '../terminal/output.ts';
import { backboneWrittenIn, datasetWrittenIn } from '../options/config-paths.ts';
import type { Proposal } from './proposal.ts';
import { majority, minutes, rateInWords } from './proposal-words.ts';

/** The published schema, by which editors complete and check the file. */
export const SCHEMA_FILE = join('docs', 'tuning.schema.json');

const LISTED_CLASSES = 12;

/** @param path of the file: the table's path is written as seen from its folder. */
export function tuningFile(proposal: Proposal, path: string): string {
  const folder = dirname(resolve(path));
  const table = datasetWrittenIn(folder, proposal.file);
  const { tenant, backbone } = proposal.config;
  const sections = [
    heading(proposal, table, path),
    tenant === 'local' ? '# tenant: local' : `tenant: ${scalar(tenant)}`,
    dataSection(proposal, table),
    privacySection(proposal),
    backbone === DEFAULT_BACKBONE
      ? `# backbone: ${backbone}`
      : `backbone: ${scalar(backboneWrittenIn(folder, backbone))}`,
    tuningSection(proposal),
    gatesSection(proposal),
  ];
  return `${sections.join('\n\n')}\n`;
}

function heading({ rows, notes }: Proposal, table: string, path: string): string {
  const schema = pathToFileURL(join(projectRoot, SCHEMA_FILE)).href;
  return lines(
    `# yaml-language-server: $schema=${schema}`,
    '#',
    `# Proposed by \`rapt init\` for ${inComment(table)}: ${rows.train + rows.test} rows.`,
    `# Start it by \`rapt run -f ${path} --wait\`. ` +
      'Every setting there is: `rapt schema`. A line without its "# " takes effect.',
    ...notes.map((note) => `# Note: ${inComment(note)}.`),
  );
}

function dataSection({ rows, proposed, classes, lengths, cut, config: { data } }: Proposal, table: string): string {
  const { p05, p50, p95, p99, most } = lengths;
  return lines(
    'data:',
    '  # Paths in this file are relative to the folder that it lies in.',
    `  train: ${scalar(table)}`,
    `  textColumn: ${scalar(proposed.text)}`,
    ...pairLines(proposed),
    `  # ${classes.length} classes: ${listed(classes)}`,
    `  labelColumn: ${scalar(proposed.label)}`,
    `  # Tokens kept of each row. The rows have ${p05} / ${p50} / ${p95} / ${p99} (5 / 50 / 95 / 99 % of them), ` +
      `the longest ${most}; ${cut} rows are cut here.`,
    `  maxTokens: ${data.maxTokens}`,
    `  # ${rows.train} rows train, ${rows.test} are held out to test on. A table of your own for that: test: FILE`,
    `  testFraction: ${data.testFraction}`,
  );
}

function pairLines({ pair, otherTexts }: Proposal['proposed']): string[] {
  if (pair !== undefined) return [`  pairColumn: ${scalar(pair)}`];
  const [first] = otherTexts;
  if (first === undefined) return [];
  return [
    `  # Looks like texts as well: ${otherTexts.map(inComment).join(', ')}. For a task on two texts:`,
    `  # pairColumn: ${scalar(first)}`,
  ];
}

function privacySection({ duplicates, etas, cost, config: { privacy } }: Proposal): string {
  const [first, ...others] = etas;
  const otherShares = others.map(({ eta, unchanged }) => `${percent(unchanged)} at ${eta}`).join(', ');
  const repeated = duplicates.most > 1 ? `, and ${duplicates.most} times that of the one that is repeated most` : '';
  return lines(
    'privacy:',
    `  mechanism: ${privacy.mechanism}`,
    "  # The smaller, the more is hidden. Share of the vocabulary's tokens that stay themselves: " +
      `${percent(first!.unchanged)} here;`,
    `  # ${otherShares}. What an adversary gets: \`rapt calibrate --curve\`.`,
    `  eta: ${first!.eta}`,
    '  # Training labels leave as they are, unless each is drawn under an epsilon:',
    '  # labelEpsilon: 3',
    `  # This run spends eta ${cost.etaOfText} of each text${repeated}. Refuse what would exceed:`,
    `  # budget: { perText: ${cost.etaOfText} }`,
  );
}

const tuningSection = ({ cost, config: { tuning } }: Proposal): string =>
  lines(
    'tuning:',
    `  method: ${tuning.method}`,
    `  length: ${tuning.length}`,
    `  # ${cost.steps} steps of ${tuning.batchSize} rows: about ${minutes(cost.minutes)}, ${rateInWords(cost.rate)}.`,
    `  epochs: ${tuning.epochs}`,
    `  batchSize: ${tuning.batchSize}`,
  );

function gatesSection({ classes }: Proposal): string {
  const rate = majority(classes);
  return lines(
    '# The command ends with code 3 unless these hold. ' +
      `Always answering the most frequent class gets ${percent(rate)}.`,
    '# gates:',
    `#   accuracy: ">=${Math.min(0.99, rate + 0.05).toFixed(2)}"`,
    '#   bayesTop10: "<=0.75"',
  );
}

const lines = (...each: readonly string[]): string => each.join('\n');

function listed(classes: Proposal['classes']): string {
  const names = classes.slice(0, LISTED_CLASSES).map(({ name, rows }) => `${inComment(name)} (${rows})`);
  return names.join(', ') + (classes.length > LISTED_CLASSES ? ` and ${classes.length - LISTED_CLASSES} more` : '');
}

const scalar = (text: string): string => stringify(text, { lineWidth: 0 }).trimEnd();

/** On one line, whatever a name holds. */
const inComment = (text: string): string => text.replaceAll(/\s+/g, ' ');
