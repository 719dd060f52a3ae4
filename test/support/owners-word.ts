/** For tests that start workflows by themselves: the word that the command gives for what is started by it on the
 *  client's machine. */
import { join } from 'node:path';
import { byWord } from '../../activities/client/admission/guard.ts';
import { parsePredictInput, parseTuningConfig } from '../../contracts/index.ts';
import { tenantFolder } from '../../rapt/home.ts';
import { approve } from '../../rapt/policy/index.ts';

/** What a request may do for which the owner gave their word. */
export const OWNERS_WORD = byWord({ type: 'tuning', id: 'x', request: {} });

/** @param raptHome as RAPT_HOME names it. An input that is refused before it reaches the client needs no word. */
export async function giveWord(
  raptHome: string,
  type: 'tuning' | 'prediction',
  id: string,
  input: unknown,
): Promise<void> {
  const parsed = type === 'tuning' ? parseTuningConfig(input) : parsePredictInput(input);
  if (parsed.ok)
    await approve(tenantFolder(join(raptHome, 'client'), parsed.value.tenant), { type, id, request: parsed.value });
}
