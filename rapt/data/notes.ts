/** What a person should know of how a run's tables were read. The sentences travel with the run, so they name no file,
 *  no column and no class. */
import type { Inspection } from './inspect.ts';

export function tableNotes({ tables, unlabelled }: Pick<Inspection, 'tables' | 'unlabelled'>): string[] {
  const kept = tables.keptInTraining?.size ?? 0;
  return [
    ...(tables.unlabelledTest === undefined
      ? []
      : [
          'the test split has no labels: ' +
            `${
              tables.test === null
                ? 'rows of the training split ' + 'are held out'
                : 'the validation split is tested on'
            } ` +
            'instead',
        ]),
    ...leftOut(unlabelled.train, tables.test === null ? '' : 'training '),
    ...leftOut(unlabelled.test, 'test '),
    ...(kept === 0
      ? []
      : [
          `${kept} ${kept === 1 ? 'row stays' : 'rows stay'} in training that would be held out, since no other ` +
            `training row has ${kept === 1 ? 'its' : 'their'} class`,
        ]),
  ];
}

const leftOut = (rows: number, kind: string): string[] =>
  rows === 0
    ? []
    : [`${rows} ${kind}${rows === 1 ? 'row has no label and is' : 'rows have no label and are'} left out`];
