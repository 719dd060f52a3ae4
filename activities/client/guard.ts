/** The client obeys its owner: each request is parsed anew, whoever sent it, and held against the owner's policy or the
 *  owner's own word. */
import { z } from 'zod';
import { BadInput, idProblems, noticeSchema, parsePredictInput, parseTuningConfig, type Budget, type InputProblem, type PreparePrediction, type RunContext, type RunNotice } from '../../contracts/index.ts';
import type { BackboneFiles } from '../../rapt/backbone/index.ts';
import { classRowsOf } from '../../rapt/client/index.ts';
import type { Inspection } from '../../rapt/data/index.ts';
import { tenantFolder } from '../../rapt/home.ts';
import { foundProblems, isApproved, placeOf, predictionAllowed, readPolicy, tuningAllowed, withTables, type FoundOut } from '../../rapt/policy/index.ts';

/** What a request may do. */
export interface Admission {
  /** Whether the tables are nobody's secret by the owner's word. */
  readonly isPublic: boolean;
  /** The policy's budget; absent for what the owner started himself, to which `rapt ledger budget` applies alone. */
  readonly budget?: Budget;
}

export interface RunAdmission extends Admission {
  /** Whether classes are held against the policy, for which all rows of the tables are looked at, whatever part of them
   *  is asked for. */
  readonly limitsClasses: boolean;
  /** Called with what was found out, before anything is reserved. @throws BadInput. */
  readonly check: (found: Partial<FoundOut>) => void;
}

export interface PredictionAdmission extends Admission {
  /** Whether labels of this table may be told of with noise alone, whatever the run that is asked says. */
  readonly protectsLabels: boolean;
}

/** Of a request that the owner's own shell started, or of none: all that it says. */
export const OWNERS_WORD: RunAdmission & PredictionAdmission = { isPublic: false, protectsLabels: false, limitsClasses: false, check: () => undefined };

export interface Guarded {
  readonly home: string;
  /** Whose client this is. */
  readonly tenant: string;
}

export interface AdmittedRun extends RunContext {
  readonly admission: RunAdmission;
}

/** @throws BadInput with every reason why the client does not do this. */
export async function admitRun({ home, tenant }: Guarded, request: { readonly run: unknown; readonly config: unknown }): Promise<AdmittedRun> {
  const run = idOf(request.run, 'run');
  const parsed = parseTuningConfig(request.config);
  if (!parsed.ok) throw new BadInput(parsed.problems);
  const asked = parsed.value;
  refuseOthers(tenant, asked.tenant);
  const policy = readPolicy(home);
  const config = withTables(policy, asked);
  if (await isApproved(tenantFolder(home, tenant), { type: 'tuning', id: run, request: asked })) return { run, config, admission: OWNERS_WORD };
  const { problems, rules, isPublic, budget } = await tuningAllowed(policy, config);
  refuse(problems);
  return { run, config, admission: { isPublic, limitsClasses: true, budget, check: (found) => refuse(foundProblems(policy, rules, config.backbone, found)) } };
}

export interface AdmittedPrediction extends PreparePrediction {
  /** As it came, to be admitted again when the answers are there. */
  readonly asked: PreparePrediction;
  /** Called with what the owner's own record says of the run that is asked. @throws BadInput. */
  readonly admit: (asked: Parameters<typeof predictionAllowed>[2]) => Promise<PredictionAdmission>;
}

/** @throws BadInput as `admitRun`. */
export function admitPrediction({ home, tenant }: Guarded, request: PreparePrediction): AdmittedPrediction {
  const { prediction: id, ...input } = request;
  const prediction = idOf(id, 'prediction');
  const parsed = parsePredictInput(input);
  if (!parsed.ok) throw new BadInput(parsed.problems);
  const asked = parsed.value;
  refuseOthers(tenant, asked.tenant);
  const policy = readPolicy(home);
  const placed = { ...asked, in: placeOf(policy, asked.in) };
  const admit: AdmittedPrediction['admit'] = async (leaves) => {
    if (await isApproved(tenantFolder(home, tenant), { type: 'prediction', id: prediction, request: asked })) return OWNERS_WORD;
    const { problems, isPublic, protectsLabels, budget } = await predictionAllowed(policy, placed, leaves);
    refuse(problems);
    return { isPublic, protectsLabels, budget };
  };
  return { ...placed, prediction, asked: request, admit };
}

/** Holds what was found of a run's tables and model against what it is admitted to. @throws BadInput. */
export async function checkFound({ config: { data, privacy }, admission }: AdmittedRun, { inspection, files }: { readonly inspection: Inspection; readonly files: Pick<BackboneFiles, 'sha256'> }): Promise<void> {
  admission.check({ backboneSha256: files.sha256 });
  if (admission.limitsClasses) admission.check(await classRowsOf(data, inspection, privacy.labelEpsilon === undefined));
}

/** What is told to the owner's webhook, and nothing beside it. @throws BadInput. */
export function admitNotice(notice: unknown): RunNotice {
  const parsed = noticeSchema.safeParse(notice);
  if (!parsed.success) throw new BadInput([{ where: 'notice', problem: 'is not what a run tells of itself' }]);
  return parsed.data;
}

function idOf(id: unknown, kind: 'run' | 'prediction'): string {
  const parsed = z.string().min(1).safeParse(id);
  if (!parsed.success) throw new BadInput([{ where: kind, problem: 'must be the id of a workflow' }]);
  refuse(idProblems(parsed.data, kind, kind));
  return parsed.data;
}

function refuseOthers(own: string, asked: string): void {
  if (asked !== own) throw new BadInput([{ where: 'tenant', problem: `is ${asked}, and this client works for ${own} alone` }]);
}

function refuse(problems: readonly InputProblem[]): void {
  if (problems.length > 0) throw new BadInput(problems);
}
