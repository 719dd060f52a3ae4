/** What a prediction is about, as this client wrote it down when it prepared it: the answers come by way of the provider, and must not choose what is read
 *  or written here. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import type { TableColumns } from '../../rapt/data/index.ts';
import { runFile, runFolder } from '../../rapt/home.ts';
import { writeWhole } from './run-record.ts';

const QUESTION_FILE = 'question.json';

export interface Question {
  readonly tenant: string;
  readonly prediction: string;
  /** The table, and where the answers go. */
  readonly path: string;
  readonly out: string | null;
  readonly columns: TableColumns;
  /** In the order of the adapter's answers. */
  readonly classes: readonly string[];
}

export async function rememberQuestion(home: string, question: Question): Promise<void> {
  await writeWhole(join(runFolder(home, question.tenant, question.prediction), QUESTION_FILE), JSON.stringify(question, null, 2));
}

/** Null when this client has prepared no such prediction. */
export function findQuestion(home: string, tenant: string, prediction: string): Question | null {
  const path = runFile(home, tenant, prediction, QUESTION_FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Question) : null;
}

/** @param out as the workflow tells it. @throws BadInput when this client has prepared no such prediction, or one whose answers go elsewhere. */
export function readQuestion(home: string, tenant: string, prediction: string, out: string): Question & { readonly out: string } {
  const found = findQuestion(home, tenant, prediction);
  if (found === null) throw new BadInput([{ where: 'prediction', problem: 'was not prepared by this client; start it again: its texts are not drawn a second time' }]);
  if (found.out !== null && found.out !== out) throw new BadInput([{ where: 'out', problem: 'is not the file that was named when the prediction was prepared' }]);
  return { ...found, out };
}
