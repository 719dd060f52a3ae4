/** The client obeys its owner: each request is parsed anew, whoever sent it, and held against the owner's policy or the
 *  owner's own word. */
import { z } from 'zod';
import {
  BadInput,
  canonicalJson,
  idProblems,
  noticeSchema,
  parsePredictInput,
  parseTuningConfig,
  type Budget,
  type InputProblem,
  type PreparePrediction,
  type RunContext,
  type RunNotice,
} from '../../../contracts/index.ts';
import type { BackboneFiles } from '../../../rapt/backbone/index.ts';
import { classRowsOf } from '../../../rapt/client/index.ts';
import type { Inspection } from '../../../rapt/data/index.ts';
import { tenantFolder } from '../../../rapt/home.ts';
import {
  changedSince,
  foundProblems,
  placeOf,
  predictionAllowed,
  readPolicy,
  tuningAllowed,
  withTables,
  wordFor,
  type FoundOut,
  type NamedRequest,
  type Word,
} from '../../../rapt/policy/index.ts';
import { hasImport } from '../records/run-record.ts';

/** What a request may do. */
export interface Admission {
  /** The owner's own word for it; null when the policy alone allows it. */
  readonly word: Word | null;
  /** Whether the tables are nobody's secret by the owner's word. */
  readonly isPublic: boolean;
  /** The policy's budget; absent for what the owner started, to which only `rapt ledger budget` applies. */
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

/** A request that the owner's own shell started may do all that it says. */
export const byWord = (word: Word): RunAdmission & PredictionAdmission => ({
  word,
  isPublic: false,
  protectsLabels: false,
  limitsClasses: false,
  check: () => undefined,
});

export interface Guarded {
  readonly home: string;
  /** Whose client this is. */
  readonly tenant: string;
}

export interface AdmittedRun extends RunContext {
  readonly admission: RunAdmission;
}

/** @throws BadInput with every reason why the client does not do this. */
export async function admitRun(
  { home, tenant }: Guarded,
  request: { readonly run: unknown; readonly config: unknown },
): Promise<AdmittedRun> {
  const run = idOf(request.run, 'run');
  const parsed = parseTuningConfig(request.config);
  if (!parsed.ok) throw new BadInput(parsed.problems);
  const asked = parsed.value;
  refuseOthers(tenant, asked.tenant);
  const policy = readPolicy(home);
  const config = withTables(policy, asked);
  if (hasImport(home, tenant, run))
    throw new BadInput([
      {
        where: 'run',
        problem: `${run} is the name of an adapter that was imported on this client; start this one under another id`,
      },
    ]);
  const word = await ownWord({ home, tenant }, { type: 'tuning', id: run }, asked, parseTuningConfig);
  if (word !== null) return { run, config, admission: byWord(word) };
  const { problems, rules, isPublic, budget } = await tuningAllowed(policy, config);
  refuse(problems);
  return {
    run,
    config,
    admission: {
      word: null,
      isPublic,
      limitsClasses: true,
      budget,
      check: (found) => refuse(foundProblems(policy, rules, config.backbone, found)),
    },
  };
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
    const word = await ownWord({ home, tenant }, { type: 'prediction', id: prediction }, asked, parsePredictInput);
    if (word !== null) {
      refuseOtherTerms(word, leaves);
      return byWord(word);
    }
    const { problems, isPublic, protectsLabels, budget } = await predictionAllowed(policy, placed, leaves);
    refuse(problems);
    return { word: null, isPublic, protectsLabels, budget };
  };
  return { ...placed, prediction, asked: request, admit };
}

/** The owner's word for this request; null when they gave no word under its name. @param parse fills in what a later
 *  version has added. @throws BadInput when they gave it for other settings: then this request is somebody else's. */
async function ownWord(
  { home, tenant }: Guarded,
  named: NamedRequest,
  asked: object,
  parse: (input: unknown) => ReturnType<typeof parseTuningConfig> | ReturnType<typeof parsePredictInput>,
): Promise<Word | null> {
  const word = await wordFor(tenantFolder(home, tenant), named);
  if (word === null) return null;
  const meant = parse(word.request);
  if (meant.ok && canonicalJson(meant.value) === canonicalJson(asked)) return word;
  const where = named.type === 'tuning' ? 'run' : 'prediction';
  throw new BadInput([
    {
      where,
      problem: `the owner started ${named.id} here with other settings; use another id`,
    },
  ]);
}

/** Whoever asked was told by which mechanism and eta the texts leave, and they must still be the same.
 *  @throws BadInput. */
function refuseOtherTerms({ terms }: Word, { mechanism, eta }: Parameters<AdmittedPrediction['admit']>[0]): void {
  if (terms === undefined || (terms.mechanism === mechanism && terms.eta === eta)) return;
  throw new BadInput([
    { where: 'run', problem: 'would use another mechanism or eta than the owner approved; ask again' },
  ]);
}

/** The word was given for tables as they were. Called before anything is drawn for it; what was drawn already stays as
 *  it is. @throws BadInput. */
export async function refuseChangedTables({ word }: Admission): Promise<void> {
  const changed = word === null ? [] : await changedSince(word);
  refuse(
    changed.map((where) => ({
      where,
      problem: 'has changed since the owner gave their word for it; start again, under another id',
    })),
  );
}

/** Holds what was found of a run's tables and model against what it is admitted to. @throws BadInput. */
export async function checkFound(
  { config: { data, privacy }, admission }: AdmittedRun,
  { inspection, files }: { readonly inspection: Inspection; readonly files: Pick<BackboneFiles, 'sha256'> },
): Promise<void> {
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
  if (asked !== own)
    throw new BadInput([{ where: 'tenant', problem: `is ${asked}, and this client works for ${own} alone` }]);
}

function refuse(problems: readonly InputProblem[]): void {
  if (problems.length > 0) throw new BadInput(problems);
}
