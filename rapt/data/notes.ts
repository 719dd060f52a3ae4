/** What a person should know of how the tables of a run were read. These sentences travel with the run, so they name no
 *  file, no column and no class. */
import type { Inspection } from './inspect.ts';

export function tableNotes({ tables, unlabelled }: Pick<Inspection, 'tables' | 'unlabelled'>): string[] {
  return [
    ...(tables.unlabelledTest === undefined ? [] : [testedInstead(tables.test)]),
    ...leftOut(unlabelled.train, tables.test === null ? '' : 'training '),
    ...leftOut(unlabelled.test, 'test '),
    ...keptInTraining(tables.keptInTraining?.size ?? 0),
  ];
}

function testedInstead(test: string | null): string {
  const instead = test === null ? 'rows of the training split are held out' : 'the validation split is tested on';
  return `the test split has no labels: ${instead} instead`;
}

function keptInTraining(rows: number): string[] {
  if (rows === 0) return [];
  const [stay, their] = rows === 1 ? ['row stays', 'its'] : ['rows stay', 'their'];
  return [`${rows} ${stay} in training that would be held out, since no other training row has ${their} class`];
}

const leftOut = (rows: number, kind: string): string[] =>
  rows === 0
    ? []
    : [`${rows} ${kind}${rows === 1 ? 'row has no label and is' : 'rows have no label and are'} left out`];
