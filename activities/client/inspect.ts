import { existsSync } from 'node:fs';
import { BadInput, idProblems, RaptError, type ClientActivities, type InputProblem } from '../../contracts/index.ts';
import {
  locateBackbone,
  openLocated,
  poolingProblems,
  type BackboneFiles,
  type PublicBackbone,
} from '../../rapt/backbone/index.ts';
import { dryRun, notesOn, untoldGates } from '../../rapt/client/index.ts';
import { inspectTables } from '../../rapt/data/index.ts';
import { checkFound, type AdmittedRun } from './admission/guard.ts';
import { otherHome } from './admission/one-home.ts';
import type { ClientDependencies } from './dependencies.ts';
import { baselineProblems } from './records/baseline.ts';

/** As it may be shown to the provider. */
const publicName = ({ name, isPublic }: Pick<BackboneFiles, 'name' | 'isPublic'>): string =>
  isPublic ? name : 'folder';

/** The `inspect` activity: a run's dry run, before anything is drawn. @throws BadInput with everything that is wrong
 *  with tables, backbone, baseline and client. */
export async function inspect(
  { home, store }: ClientDependencies,
  admitted: AdmittedRun,
): ReturnType<ClientActivities['inspect']> {
  const { config } = admitted;
  const problems: InputProblem[] = [];
  const other = await otherHome({ store, home }, config.tenant);
  if (other !== null) problems.push({ where: 'tenant', problem: other });
  const [tables, opened] = await Promise.allSettled([
    inspectTables(config.data, { splitByLabels: config.privacy.labelEpsilon === undefined }),
    open(config.backbone),
  ]);
  problems.push(...problemsOf(tables), ...problemsOf(opened));
  const { publicText } = config.audit;
  if (publicText !== undefined && !existsSync(publicText))
    problems.push({
      where: 'audit.publicText',
      problem: `${publicText} does not exist on the client worker's machine`,
    });
  problems.push(
    ...baselineProblems(home, config),
    ...config.resumeFrom.flatMap((id) => idProblems(id, 'run', 'resumeFrom')),
  );
  if (tables.status === 'rejected' && opened.status === 'fulfilled')
    problems.push(...poolingProblems(opened.value.files.folder, config.tuning.pooling));
  if (tables.status === 'rejected' || opened.status === 'rejected') throw new BadInput(problems);

  const inspection = tables.value;
  const { files, backbone } = opened.value;
  await checkFound(admitted, { inspection, files });
  problems.push(...untoldGates(config, inspection));
  const dry = await dryRun({ config, inspection, files, backbone }, { trainsHere: false });
  problems.push(...dry.problems);
  if (problems.length > 0) throw new BadInput(problems);
  const notes = [...(await notesOn(config.data, inspection, backbone.tokenizer)), ...dry.notes];
  return { rows: inspection.rows, backbone: publicName(files), ...(notes.length > 0 && { notes }) };
}

/** Why it could not be read; empty when it could. @throws what is nothing that the request could mend. */
function problemsOf(read: PromiseSettledResult<unknown>): readonly InputProblem[] {
  if (read.status === 'fulfilled') return [];
  if (read.reason instanceof BadInput) return read.reason.problems;
  throw read.reason;
}

/** @throws BadInput for every failure that Rapt knows. */
async function open(name: string): Promise<{ readonly files: BackboneFiles; readonly backbone: PublicBackbone }> {
  try {
    const files = await locateBackbone(name);
    return { files, backbone: await openLocated(files) };
  } catch (error) {
    if (!(error instanceof RaptError) || error instanceof BadInput) throw error;
    throw new BadInput([{ where: 'backbone', problem: error.message }]);
  }
}
