import { BadInput, RaptError, type ClientActivities, type InputProblem, type RunContext } from '../../contracts/index.ts';
import { existsSync } from 'node:fs';
import { locateBackbone, poolingProblems, type BackboneFiles } from '../../rapt/backbone/index.ts';
import { inspectTables } from '../../rapt/data/index.ts';
import { baselineProblems } from './baseline.ts';
import type { ClientDependencies } from './dependencies.ts';

/** As it may be shown to the provider. */
const publicName = ({ name, isPublic }: Pick<BackboneFiles, 'name' | 'isPublic'>): string => (isPublic ? name : 'folder');

/** The `inspect` activity. @throws BadInput with everything that is wrong with tables, backbone and baseline. */
export async function inspect({ home }: Pick<ClientDependencies, 'home'>, { config }: RunContext): ReturnType<ClientActivities['inspect']> {
  const problems: InputProblem[] = [];
  const [tables, backbone] = await Promise.allSettled([inspectTables(config.data), locateBackbone(config.backbone)]);
  if (tables.status === 'rejected') {
    if (!(tables.reason instanceof BadInput)) throw tables.reason;
    problems.push(...tables.reason.problems);
  }
  if (backbone.status === 'rejected') {
    if (!(backbone.reason instanceof RaptError)) throw backbone.reason;
    problems.push({ where: 'backbone', problem: backbone.reason.message });
  }
  if (backbone.status === 'fulfilled') problems.push(...poolingProblems(backbone.value.folder, config.tuning.pooling));
  const { publicText } = config.audit;
  if (publicText !== undefined && !existsSync(publicText)) problems.push({ where: 'audit.publicText', problem: `${publicText} does not exist on the client worker's machine` });
  problems.push(...baselineProblems(home, config));
  if (tables.status === 'rejected' || backbone.status === 'rejected' || problems.length > 0) throw new BadInput(problems);
  return { rows: tables.value.rows, backbone: publicName(backbone.value) };
}
