import {
  BadInput,
  type Budget,
  type OwnRelease,
  type ReleaseProgress,
  type RunContext,
} from '../../contracts/index.ts';
import { locateBackbone, openLocated, type BackboneFiles, type PublicBackbone } from '../backbone/index.ts';
import { inspectTables, type Inspection, type Row } from '../data/index.ts';
import { clientSecret, type LedgerRelease } from '../ledger/index.ts';
import { chooseEta, createMechanismInTurns, tightestEta } from '../privacy/index.ts';
import {
  chooseReleases,
  chosenReleases,
  drawRelease,
  EarlierRows,
  hashInputs,
  keptTokens,
  openRelease,
  rowsToDraw,
  tuningSpec,
  type DrawnRelease,
  type ReleaseInputs,
  type ReleaseSpec,
  type StoredRelease,
} from '../release/index.ts';
import { knownReleases, releasesToTakeOver, whyDrawnAgain, type KnownRelease } from './earlier-releases.ts';
import { releaseFolder, tenantFolder } from '../home.ts';
import { fittingProblems } from './dry-run.ts';
import { reserve, type DueRelease } from './reserve.ts';

export interface ReleaseTablesOptions extends RunContext {
  /** Folder of all tenants of this machine. */
  readonly home: string;
  /** Whether the tables are public, so that their texts are nobody's secret. Default: they are not. */
  readonly isPublic?: boolean | undefined;
  /** That of the owner's policy, which holds besides the run's and the client's. */
  readonly policyBudget?: Budget | undefined;
  /** Stops within a batch; what was drawn stays for the next attempt. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReleaseProgress) => void) | undefined;
  /** Does the work of each step, to see how long it takes. */
  readonly step?: (<T>(name: string, work: () => Promise<T>) => Promise<T>) | undefined;
  /** Called with what was found, before anything is reserved. */
  readonly onInspected?:
    | ((found: {
        readonly inspection: Inspection;
        readonly files: BackboneFiles;
        readonly backbone: PublicBackbone;
      }) => Promise<void> | void)
    | undefined;
  /** Called with the eta that was chosen, null where nothing is hidden, and the release's name; still before anything
   *  is reserved. */
  readonly onChosen?: ((chosen: { readonly eta: number | null; readonly localKey: string }) => void) | undefined;
  /** Called with the ledger's entry, before anything is drawn. */
  readonly onReserved?: ((entry: LedgerRelease) => void) | undefined;
  readonly onDrawn?: ((release: DueRelease, tokens: number) => void) | undefined;
  readonly onReleased?: ((release: DueRelease, released: DrawnRelease) => void) | undefined;
}

/** With `step` given. */
interface Options extends ReleaseTablesOptions {
  readonly step: NonNullable<ReleaseTablesOptions['step']>;
}

/** What is found before anything is chosen. */
interface Inspected {
  readonly inspection: Inspection;
  readonly inputs: ReleaseInputs;
  readonly backbone: PublicBackbone;
}

/** What is to be released, and where. */
interface Chosen {
  readonly eta: number | null;
  /** Of this client. */
  readonly secret: Uint8Array;
  readonly spec: ReleaseSpec;
  readonly localKey: string;
  readonly folder: string;
}

/** A run's release: the one noisy version of each text, drawn once and found again by every later attempt and run. Of a
 *  table that has changed since, only rows that were not released before are drawn. @throws BadInput, before anything
 *  is reserved, for what no training could be made of. */
export async function releaseTables(given: ReleaseTablesOptions): Promise<OwnRelease> {
  const options: Options = { ...given, step: given.step ?? ((_, work) => work()) };
  const { home, config, signal, step, onReserved, onReleased } = options;
  const inspected = await inspectAll(options);
  const chosen = await chooseRelease(options, inspected);
  const existing = await openRelease(chosen.folder);
  const isComplete = existing !== null;
  const due = await dueRelease(options, inspected, chosen, isComplete);
  const entry = await step('reserve budget', () =>
    reserve(tenantFolder(home, config.tenant), chosen.secret, due, isComplete, signal),
  );
  onReserved?.(entry);
  const released = isComplete
    ? foundAgain(existing, options)
    : await drawDue(options, inspected, chosen, due, entry.takesOver ?? []);
  onReleased?.(due, released);
  return describe(chosen.localKey, released);
}

/** @throws BadInput when the tables and the backbone do not fit each other or the settings. */
async function inspectAll({ config, step, onInspected }: Options): Promise<Inspected> {
  const inspection = await step('read tables', () =>
    inspectTables(config.data, { splitByLabels: config.privacy.labelEpsilon === undefined }),
  );
  const inputs = await step('hash tables', () => hashInputs(inspection.tables));
  const files = await locateBackbone(config.backbone);
  const backbone = await step('open tokenizer', () => openLocated(files));
  const problems = await fittingProblems({ config, inspection, files, backbone });
  if (problems.length > 0) throw new BadInput(problems);
  await onInspected?.({ inspection, files, backbone });
  return { inspection, inputs, backbone };
}

async function chooseRelease(
  { home, config, signal, step, onChosen }: Options,
  { inspection, inputs, backbone: { table, outputIds, description } }: Inspected,
): Promise<Chosen> {
  const { tenant, privacy } = config;
  const { mechanism, targetUnchanged } = privacy;
  const eta = await step('choose eta', () =>
    chooseEta({ name: mechanism, eta: privacy.eta, targetUnchanged, table, outputIds }, signal),
  );
  const secret = await clientSecret(tenantFolder(home, tenant));
  const drawnBy = { mechanism, private: mechanism !== 'none', eta, table };
  const spec = tuningSpec({ config, inputs, inspection, backbone: description, outputIds, drawnBy });
  const localKey = spec.toKey(secret);
  onChosen?.({ eta, localKey });
  return { eta, secret, spec, localKey, folder: releaseFolder(home, tenant, localKey) };
}

/** @param isComplete whether it was drawn already. */
async function dueRelease(
  { home, run, config, isPublic, policyBudget }: Options,
  { inspection, backbone: { table, tokenizer } }: Inspected,
  chosen: Chosen,
  isComplete: boolean,
): Promise<DueRelease> {
  const { tenant, privacy, data } = config;
  const { localKey, eta, spec, secret } = chosen;
  const before = await releasesBefore(home, tenant, chosen, isComplete);
  async function* rows(): AsyncGenerator<Row> {
    yield* rowsToDraw({ config, inspection, tokenizer }, await EarlierRows.open(before, secret));
  }
  return {
    localKey,
    tenant,
    run,
    purpose: 'tuning',
    mechanism: privacy.mechanism,
    eta,
    labelEpsilon: privacy.labelEpsilon ?? null,
    labels: privacy.labelEpsilon === undefined ? 'plain' : 'drawn',
    table: table.sha256,
    budget: privacy.budget,
    policyBudget,
    public: isPublic,
    drawnAgainBecause: await whyDrawnAgain(home, tenant, spec),
    rows,
    tokens: (row) => keptTokens(row, tokenizer, data.maxTokens),
    takesOver: before.map((release) => release.localKey),
  };
}

/** Those from which rows are taken over: as it was chosen when the first shard was drawn, if it was. */
async function releasesBefore(
  home: string,
  tenant: string,
  { folder, spec }: Chosen,
  isComplete: boolean,
): Promise<KnownRelease[]> {
  const choice = await chosenReleases(folder);
  if (choice !== null) return knownReleases(home, tenant, choice);
  return isComplete ? [] : releasesToTakeOver(home, tenant, spec);
}

function foundAgain(existing: StoredRelease, { onProgress }: Options): DrawnRelease {
  const { train, test } = existing.manifest.rows;
  onProgress?.({ rows: train + test, rowsTotal: train + test, reused: true });
  return { ...existing, reused: true };
}

/** @param takesOver releases whose rows were not paid for again; those that were chosen before hold instead. */
async function drawDue(
  { home, config, signal, step, onProgress, onDrawn }: Options,
  { inspection, inputs, backbone: { table, outputIds, tokenizer, description } }: Inspected,
  { eta, secret, folder }: Chosen,
  due: DueRelease,
  takesOver: readonly string[],
): Promise<DrawnRelease> {
  const { tenant, privacy } = config;
  const choice = await chooseReleases(folder, takesOver);
  const earlier = await EarlierRows.open(await knownReleases(home, tenant, choice), secret);
  const mechanism = await createMechanismInTurns(
    { name: privacy.mechanism, eta: eta ?? undefined, table, outputIds },
    signal,
  );
  try {
    const tightest =
      privacy.mechanism === 'exponential' && eta !== null
        ? await step('compute guarantee', () => tightestEta(eta, table, outputIds, { signal }))
        : null;
    return await step('draw', () =>
      drawRelease({
        config,
        inputs,
        inspection,
        backbone: description,
        outputIds,
        folder,
        tokenizer,
        earlier,
        mechanism: { ...mechanism, guarantee: { ...mechanism.guarantee, tightestEta: tightest } },
        signal,
        onProgress: (progress) => onProgress?.({ ...progress, reused: false }),
        onDrawn: (tokens) => onDrawn?.(due, tokens),
      }),
    );
  } finally {
    mechanism.dispose();
  }
}

function describe(localKey: string, { manifest, digest, unchangedRate, takenOver, reused }: DrawnRelease): OwnRelease {
  return {
    localKey,
    digest,
    rows: manifest.rows,
    // For the owner; what leaves of it is told in steps.
    unchangedRate: Math.round(unchangedRate * 1000) / 1000,
    guarantee: manifest.guarantee,
    backboneSha256: manifest.backbone.sha256,
    reused,
    ...(takenOver > 0 && { takenOver }),
  };
}
