/** What a prediction is about, as this client wrote it down when it prepared it: the answers come by way of the
 *  provider, and must not choose what is read or written here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInput, type PreparePrediction, type Sha256 } from '../../../contracts/index.ts';
import type { TableColumns } from '../../../rapt/data/index.ts';
import { runFolder } from '../../../rapt/home.ts';
import { writeOnce } from '../../../system/index.ts';
import { readRunFile, writeWhole } from './run-file.ts';

const QUESTION_FILE = 'question.json';
const ANSWERS_FILE = 'answers.sha256';

export interface Question {
  readonly tenant: string;
  readonly prediction: string;
  /** The table, and where the answers go. */
  readonly path: string;
  readonly out: string | null;
  readonly columns: TableColumns;
  /** Folder of the release. */
  readonly localKey: string;
  /** The request as it came. */
  readonly asked: PreparePrediction;
  /** In the order of the adapter's answers. */
  readonly classes: readonly string[];
}

export async function rememberQuestion(home: string, question: Question): Promise<void> {
  await writeWhole(
    join(runFolder(home, question.tenant, question.prediction), QUESTION_FILE),
    JSON.stringify(question, null, 2),
  );
}

/** Before anything is reserved. @throws BadInput when a prediction of this name was prepared for other rows: the
 *  owner's word for it was given for those. */
export function assertSameQuestion(
  home: string,
  { tenant, prediction, localKey }: Pick<Question, 'tenant' | 'prediction' | 'localKey'>,
): void {
  const before = findQuestion(home, tenant, prediction);
  if (before !== null && before.localKey !== localKey)
    throw new BadInput([
      { where: 'prediction', problem: `${prediction} was prepared for other rows; ask about these under another id` },
    ]);
}

/** A prediction is answered once: other answers, which the provider chooses, would be written over the first. @returns
 *  whether it was answered so before, by an attempt that may have been killed. @throws BadInput for other answers. */
export async function answeredBefore(
  home: string,
  { tenant, prediction }: Pick<Question, 'tenant' | 'prediction'>,
  answers: Sha256,
): Promise<boolean> {
  const folder = runFolder(home, tenant, prediction);
  const path = join(folder, ANSWERS_FILE);
  if (await writeOnce(folder, path, Buffer.from(answers))) return false;
  if (readFileSync(path, 'utf8') === answers) return true;
  throw new BadInput([
    { where: 'prediction', problem: `${prediction} already has different answers; ask again under another id` },
  ]);
}

/** Null when this client has prepared no such prediction. */
export const findQuestion = (home: string, tenant: string, prediction: string): Question | null =>
  readRunFile(home, tenant, prediction, QUESTION_FILE) as Question | null;

/** @param out as the workflow tells it. @throws BadInput when this client has prepared no such prediction, or one whose
 *  answers go elsewhere. */
export function readQuestion(
  home: string,
  tenant: string,
  prediction: string,
  out: string,
): Question & { readonly out: string } {
  const found = findQuestion(home, tenant, prediction);
  if (found === null)
    throw new BadInput([
      {
        where: 'prediction',
        problem: 'was not prepared by this client; start it again: its texts are not drawn a second time',
      },
    ]);
  if (found.out !== null && found.out !== out)
    throw new BadInput([{ where: 'out', problem: 'is not the file that was named when the prediction was prepared' }]);
  return { ...found, out };
}
