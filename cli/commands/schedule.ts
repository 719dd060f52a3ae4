/** schedule: runs that Temporal starts by itself, again and again. */
import type { Command } from 'commander';
import { addDelete, addPause, addResume } from './schedule/change.ts';
import { addTo as addCreate } from './schedule/create.ts';
import { addTo as addList } from './schedule/list.ts';
import { addTo as addTrigger } from './schedule/trigger.ts';

const DESCRIPTION =
  'runs that Temporal starts by itself, each with an id of its own; ' +
  'one that is due while the one before still runs is left out';
const HELP = `
Example: rapt schedule create weekly -f tuning.yaml --weekly 'mon 03:00'
         rapt schedule list`;

export function addTo(program: Command): void {
  const schedule = program.command('schedule').description(DESCRIPTION).addHelpText('after', HELP);
  for (const addChild of [addCreate, addList, addPause, addResume, addDelete, addTrigger]) addChild(schedule);
}
