/** policy: what may leave this machine, whoever asks for it. */
import type { Command } from 'commander';
import { addTo as addAllow } from './policy/allow.ts';
import { addTo as addCheck } from './policy/check.ts';
import { addTo as addInit } from './policy/init.ts';
import { addTo as addShow } from './policy/show.ts';

const DESCRIPTION =
  'what the client does for those who are not at its machine: the Temporal UI, CI jobs, schedules. A run that is ' +
  "started here by `rapt run` carries the owner's own word";

export function addTo(program: Command): void {
  const policy = program
    .command('policy')
    .description(DESCRIPTION)
    .addHelpText('after', '\nExample: rapt policy allow -f tuning.yaml && rapt policy show');
  for (const addChild of [addInit, addAllow, addShow, addCheck]) addChild(policy);
}
