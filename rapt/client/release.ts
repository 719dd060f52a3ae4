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
} from '../release/index.ts';
import { knownReleases, releasesToTakeOver, whyDrawnAgain } from './earlier.ts';
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

/** A run's release: the one noisy version of each text, drawn once and found again by every later attempt and run. Of a
 *  table that has changed since, only rows that were not released before are drawn. @throws BadInput, before anything
 *  is reserved, for what no training could be made of. */
export async function releaseTables({
  home,
  run,
  config,
  isPublic,
  policyBudget,
  signal,
  onProgress,
  step = (_, work) => work(),
  onInspected,
  onChosen,
  onReserved,
  onDrawn,
  onReleased,
}: ReleaseTablesOptions): Promise<OwnRelease> {
  const { tenant, privacy } = config;
  const inspection = await step('read tables', () =>
    inspectTables(config.data, { splitByLabels: privacy.labelEpsilon === undefined }),
  );
  const inputs = await step('hash tables', () => hashInputs(inspection.tables));
  const files = await locateBackbone(config.backbone);
  const backbone = await step('open tokenizer', () => openLocated(files));
  const { table, outputIds, tokenizer, description } = backbone;
  const problems = await fittingProblems({ config, inspection, files, backbone });
  if (problems.length > 0) throw new BadInput(problems);
  await onInspected?.({ inspection, files, backbone });
  const choice = {
    name: privacy.mechanism,
    eta: privacy.eta,
    targetUnchanged: privacy.targetUnchanged,
    table,
    outputIds,
  };
  const eta = await step('choose eta', () => chooseEta(choice, signal));
  const secret = await clientSecret(tenantFolder(home, tenant));
  const drawnBy = {
    mechanism: privacy.mechanism,
    private: privacy.mechanism !== 'none',
    eta,
    table: { sha256: table.sha256 },
  };
  const spec = tuningSpec({ config, inputs, inspection, backbone: description, outputIds, drawnBy });
  const localKey = spec.toKey(secret);
  onChosen?.({ eta, localKey });
  const folder = releaseFolder(home, tenant, localKey);

  const existing = await openRelease(folder);
  const chosen = await chosenReleases(folder);
  const before =
    chosen !== null
      ? await knownReleases(home, tenant, chosen)
      : existing !== null
        ? []
        : await releasesToTakeOver(home, tenant, spec);
  async function* rows(): AsyncGenerator<Row> {
    yield* rowsToDraw({ config, inspection, tokenizer }, await EarlierRows.open(before, secret));
  }
  const takesOver = before.map((release) => release.localKey);
  const due: DueRelease = {
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
    tokens: (row) => keptTokens(row, tokenizer, config.data.maxTokens),
    takesOver,
  };
  const entry = await step('reserve budget', () =>
    reserve(tenantFolder(home, tenant), secret, due, existing !== null, signal),
  );
  onReserved?.(entry);
  if (existing !== null) {
    const rowsTotal = existing.manifest.rows.train + existing.manifest.rows.test;
    onProgress?.({ rows: rowsTotal, rowsTotal, reused: true });
    const found = { ...existing, reused: true };
    onReleased?.(due, found);
    return describe(localKey, found);
  }
  const earlier = await EarlierRows.open(
    await knownReleases(home, tenant, await chooseReleases(folder, entry.takesOver ?? [])),
    secret,
  );
  const mechanism = await createMechanismInTurns(
    { ...choice, eta: eta ?? undefined, targetUnchanged: undefined },
    signal,
  );
  try {
    const tightest =
      privacy.mechanism === 'exponential' && eta !== null
        ? await step('compute guarantee', () => tightestEta(eta, table, outputIds, { signal }))
        : null;
    const drawn = await step('draw', () =>
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
    onReleased?.(due, drawn);
    return describe(localKey, drawn);
  } finally {
    mechanism.dispose();
  }
}

type Drawn = Awaited<ReturnType<typeof drawRelease>>;

function describe(localKey: string, { manifest, digest, unchangedRate, takenOver, reused }: Drawn): OwnRelease {
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
