/** What can be known of a training before its texts are released. A release is paid for, and it is of no use when
 *  nothing can be trained on it. */
import type { InputProblem, TuningConfig } from '../../contracts/index.ts';
import { machineMemory } from '../../system/index.ts';
import {
  Encoder,
  poolingProblems,
  readBackboneConfig,
  readFrameIds,
  type BackboneFiles,
  type PublicBackbone,
} from '../backbone/index.ts';
import { readSplit, SPLITS, type Inspection } from '../data/index.ts';
import { RandomizedResponse } from '../privacy/index.ts';
import { usesGpu } from '../tensorflow.ts';
import { dryStep, trainingMemory, type TrainingMemory } from '../tuning/index.ts';
import { frameLength, keptLength, roomForText, type Room } from './text-room.ts';

/** A run whose tables and backbone have been opened. */
export interface Planned {
  readonly config: Pick<TuningConfig, 'data' | 'privacy' | 'tuning'>;
  readonly inspection: Inspection;
  readonly files: Pick<BackboneFiles, 'folder'>;
  readonly backbone: Pick<PublicBackbone, 'tokenizer' | 'table' | 'outputIds'>;
}

/** Where the training will be: a client's machine releases and another one trains, unless one process does both. */
export interface DryRunOptions {
  readonly trainsHere: boolean;
  /** Bytes of memory here. Default: this machine's. */
  readonly memory?: number | undefined;
}

export interface DryRun {
  readonly problems: InputProblem[];
  /** What a person should know, though it need not hinder the run. */
  readonly notes: string[];
}

/** Process, library and the arrays that a training does not count: of the estimate, so much is certain. */
const CERTAIN_SHARE = 0.7;
const GIB = 2 ** 30;

/** The checks that cost next to nothing: pooling, and positions for the longest row. */
export async function fittingProblems({ config, inspection, files, backbone }: Planned): Promise<InputProblem[]> {
  const { data, tuning } = config;
  const problems = poolingProblems(files.folder, tuning.pooling);
  const room = roomOf(config, files.folder);
  if (room.tokens >= data.maxTokens) return problems;
  const longest = await longestRow(config, inspection, backbone);
  return longest <= room.tokens ? problems : [...problems, tooLong(room, longest)];
}

/** All checks: besides those, the model is loaded and takes a step of the training, forward and back, on rows of public
 *  tokens. Costs seconds and, while it lasts, the model's memory. */
export async function dryRun(
  planned: Planned,
  { trainsHere, memory = machineMemory() }: DryRunOptions,
): Promise<DryRun> {
  const problems = await fittingProblems(planned);
  if (problems.length > 0) return { problems, notes: [] };
  const { config, inspection, files, backbone } = planned;
  const batch = Math.min(config.tuning.batchSize, inspection.rows.train);
  const needed = (tokens: number): number => bytesOf(stepMemory(planned, tokens), batch);
  // Where the longest rows that may come would take too much, the longest row that is there counts.
  const most = Math.min(config.data.maxTokens, roomOf(config, files.folder).tokens);
  const tokens = needed(most) <= memory ? most : await longestRow(config, inspection, backbone);
  const { fixedBytes, rowBytes } = stepMemory(planned, tokens);
  const rowsThatFit = Math.floor((memory - fixedBytes) / rowBytes);
  if (rowsThatFit >= batch) return { problems: await stepProblems(planned, tokens, batch), notes: [] };

  const ofMemory = `${inGiB(needed(tokens))} of memory`;
  const takes = `a step of ${batch} rows, the longest of ${tokens} tokens, takes about ${ofMemory}`;
  const here = `this machine has ${inGiB(memory)}`;
  const remedy =
    rowsThatFit >= 1
      ? `set tuning.batchSize to at most ${rowsThatFit}, or lower data.maxTokens`
      : 'give it more, or take a smaller backbone';
  if (trainsHere && !usesGpu() && CERTAIN_SHARE * needed(tokens) > memory)
    return { problems: [{ where: 'tuning.batchSize', problem: `${takes}, and ${here}; ${remedy}` }], notes: [] };
  const note = trainsHere
    ? `${takes}, and ${here}; ${remedy}`
    : `${takes}: more than the client's machine has, and the machine that trains must have it`;
  if (rowsThatFit < 1) return { problems: [], notes: [`${note}. So the model was not tried out beforehand`] };
  return { problems: await stepProblems(planned, tokens, rowsThatFit), notes: [note] };
}

const roomOf = (config: Planned['config'], folder: string): Room =>
  roomForText(folder, {
    length: config.tuning.length,
    plainTokens: plainTokensOf(config),
    pair: config.data.pairColumn !== undefined,
  });

function tooLong({ positions, tokens, beside }: Room, longest: number): InputProblem {
  if (tokens < 1)
    return {
      where: 'tuning.length',
      problem:
        `leaves no position for a text: the backbone has ${positions}, and ${beside} stand beside it; lower ` +
        'tuning.length or tuning.reconstruction.plainTokens',
    };
  return {
    where: 'data.maxTokens',
    problem:
      `lets ${longest} tokens of a row pass; the backbone has ${positions} positions, and ${beside} stand beside ` +
      `them: set it to at most ${tokens}, or lower tuning.length or tuning.reconstruction.plainTokens`,
  };
}

/** Tokens of the longest row, both texts of a pair together, as far as they are kept. */
async function longestRow(
  { data }: Planned['config'],
  { tables }: Inspection,
  { tokenizer }: Planned['backbone'],
): Promise<number> {
  let longest = 0;
  for (const split of SPLITS)
    for await (const row of readSplit(data, tables, split)) {
      longest = Math.max(longest, keptLength(row, tokenizer, data.maxTokens));
      if (longest === data.maxTokens) return longest;
    }
  return longest;
}

const plainTokensOf = ({ tuning }: Planned['config']): number =>
  tuning.reconstruction === false ? 0 : tuning.reconstruction.plainTokens;

function stepMemory({ config, inspection, files, backbone }: Planned, tokens: number): TrainingMemory {
  const { data, tuning } = config;
  return trainingMemory({
    config: readBackboneConfig(files.folder),
    options: tuning,
    classes: inspection.classes.length,
    reconstructionVocabulary:
      tuning.reconstruction === false ? 0 : Math.min(tuning.reconstruction.vocabularySize, backbone.outputIds.length),
    ids: tokens + plainTokensOf(config) + frameLength(readFrameIds(files.folder), data.pairColumn !== undefined),
  });
}

/** Bytes that one step of the training takes, with as many rows and tokens as the configuration allows: an estimate,
 *  without the process itself. */
export function stepBytes(planned: Planned): number {
  const { config, inspection, files } = planned;
  return bytesOf(
    stepMemory(planned, Math.min(config.data.maxTokens, roomOf(config, files.folder).tokens)),
    Math.min(config.tuning.batchSize, inspection.rows.train),
  );
}

const bytesOf = ({ fixedBytes, rowBytes }: TrainingMemory, rows: number): number => fixedBytes + rows * rowBytes;
const inGiB = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

async function stepProblems(
  { config, inspection, files, backbone }: Planned,
  tokens: number,
  mostRows: number,
): Promise<InputProblem[]> {
  const { labelEpsilon } = config.privacy;
  const classes = inspection.classes.length;
  const encoder = await Encoder.inTurns(files.folder);
  try {
    const { rows, finite } = await dryStep({
      encoder,
      frame: readFrameIds(files.folder),
      ...backbone,
      options: config.tuning,
      classes,
      labelNoise: labelEpsilon === undefined ? null : new RandomizedResponse(labelEpsilon, classes).noise,
      pair: config.data.pairColumn !== undefined,
      tokens,
      mostRows,
    });
    if (finite) return [];
    return [
      {
        where: 'backbone',
        problem:
          `its loss on ${rows === 1 ? 'a row' : `${rows} rows`} of public tokens, or the gradient of that, is no ` +
          'number: its weights hold values that are none, or too large; fetch the model again, or save it in float32',
      },
    ];
  } finally {
    encoder.dispose();
  }
}
