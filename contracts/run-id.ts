/** What a run, a schedule or a prediction may be called. The name becomes Temporal's workflow id, folders in the object
 *  store's keys ("a/b" makes two), a folder of the client, and part of addresses. A name that one of them cannot take
 *  is refused at the start, since later it would fail after the release. */
import { ADAPTER_FILES, CHECKPOINT_FILES, MANIFEST_FILE, STORED_REPORT_FILES } from './artifacts.ts';
import type { InputProblem } from './errors.ts';

/** The most bytes of a part between slashes. File systems have room for 255; a schedule's runs have the time at the end
 *  of their names, and a run's predictions have "-predict-1a2b3c4d". */
const MOST_PART_BYTES = { schedule: 200, run: 230, prediction: 255 } as const;
/** The object store's keys may have 1024 bytes, and Rapt adds up to 133 to a run's name; Temporal's ids may have
 *  1000. */
const MOST_BYTES = 800;
/** Some stores keep an object of such a name as a file, or hide what lies below it. So no folder beside another run's
 *  records can be called so. */
const STORED_FILES: readonly string[] = [
  'latest.json',
  'result.json',
  MANIFEST_FILE,
  ...CHECKPOINT_FILES,
  ...ADAPTER_FILES,
  ...STORED_REPORT_FILES,
];
const STORED_PREDICTIONS = /^[0-9a-f]{64}\.json$/;

/** Temporal adds the time of the start to a schedule's name. */
const STARTED_AT = /-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The schedule that may have started a run of this name. A name without such an ending is returned as it is. */
export const scheduleOf = (run: string): string => run.replace(STARTED_AT, '');
/** Whether a run has this name, or was started by the schedule of this name. */
export const isRunOf = (run: string, runOrSchedule: string): boolean =>
  run === runOrSchedule || scheduleOf(run) === runOrSchedule;

/** Why something cannot be called so, with the way out; empty when it can.
 *  @param where the name of the setting, or of the command. */
export function idProblems(id: string, kind: keyof typeof MOST_PART_BYTES, where: string): InputProblem[] {
  const problems: string[] = [];
  if (/\p{Cc}|\p{Surrogate}|\\/u.test(id))
    return [{ where, problem: 'must not hold control characters, backslashes, or characters that are not whole' }];
  const [first, ...others] = id.split('/');
  if ([first, ...others].some((part) => part === '' || part === '.' || part === '..'))
    problems.push(
      'must have no part between slashes that is empty, "." or "..": write "team/nightly", not "/team//nightly"',
    );
  if ([first!, ...others].some((part) => bytesOf(part) > MOST_PART_BYTES[kind]))
    problems.push(
      `must have at most ${MOST_PART_BYTES[kind]} bytes between slashes (in UTF-8), since folders are called so`,
    );
  if (bytesOf(id) > MOST_BYTES) problems.push(`must have at most ${MOST_BYTES} bytes (in UTF-8)`);
  const taken = others.find((part) => STORED_FILES.includes(part) || STORED_PREDICTIONS.test(part));
  if (taken !== undefined)
    problems.push(`must not have "${taken}" after a slash, which is what a file of the run before the slash is called`);
  return problems.map((problem) => ({ where, problem }));
}

/** The bytes of a text in UTF-8. Workflows have no Buffer. */
const bytesOf = (text: string): number => encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, '.').length;
