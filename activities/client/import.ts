/** Adapters that were trained elsewhere: stored as Rapt's own, and remembered under a name as those of finished runs
 *  are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ADAPTER_FILES,
  BadInput,
  canonicalJson,
  idProblems,
  IMPORT_MARK,
  keys,
  type AdapterCard,
  type AdapterFile,
  type AdapterRef,
  type Sha256,
  type TuningConfig,
} from '../../contracts/index.ts';
import { locateBackbone, openLocated, poolingProblems, readBackboneConfig } from '../../rapt/backbone/index.ts';
import { adapterProblems } from '../../rapt/client/index.ts';
import { tenantFolder } from '../../rapt/home.ts';
import { wordFor } from '../../rapt/policy/index.ts';
import { createMechanism } from '../../rapt/privacy/index.ts';
import { adapterDigest, encodeAdapter, readPeftConfig, readPeftWeights } from '../../rapt/tuning/index.ts';
import { putFiles, type ObjectStore } from '../../storage/index.ts';
import type { ClientDependencies } from './dependencies.ts';
import { findTunedAdapter, readSeenRun, writeImportRecord } from './records/run-record.ts';

export interface ImportRequest {
  /** As PEFT's `save_pretrained` wrote it. */
  readonly folder: string;
  /** Under which `predict` and `export` find it. */
  readonly run: string;
  /** In the order of the classifier's rows; null numbers them. */
  readonly classes: readonly string[] | null;
  /** Of texts that it is asked about: columns, tokens kept, how they are privatized, which backbone. */
  readonly config: TuningConfig;
}

export interface ImportedAdapter {
  readonly adapter: AdapterRef;
  readonly card: AdapterCard;
}

/** Importing the same adapter again under the same name changes nothing. @throws BadInput with what is wrong with the
 *  adapter's files, its backbone or the name. */
export async function importAdapter(
  { store, home }: Pick<ClientDependencies, 'store' | 'home'>,
  { folder, run, classes, config }: ImportRequest,
): Promise<ImportedAdapter> {
  const { tenant, data, privacy } = config;
  await refuseRunsName(home, tenant, run);
  const peft = readPeftConfig(folder);
  const files = await locateBackbone(config.backbone);
  const poolers = poolingProblems(files.folder, 'pooler');
  if (poolers.length > 0) throw new BadInput(poolers);
  const backbone = readBackboneConfig(files.folder);
  const { parameters, classes: count } = readPeftWeights(folder, peft, backbone);
  const names = classNames(classes, count);

  const { table, outputIds } = await openLocated(files);
  const mechanism = createMechanism({
    name: privacy.mechanism,
    eta: privacy.eta,
    targetUnchanged: privacy.targetUnchanged,
    table,
    outputIds,
  });
  const { guarantee } = mechanism;
  mechanism.dispose();
  const card: AdapterCard = {
    format: 'rapt-adapter/1',
    backbone: { name: files.name, sha256: files.sha256 },
    method: peft.method,
    length: peft.length,
    pooling: 'pooler',
    classes: names,
    pair: data.pairColumn !== undefined,
    maxTokens: data.maxTokens,
    plain: false,
    guarantee,
  };
  const problems = await adapterProblems({ card, parameters, folder: files.folder, backbone: { outputIds } });
  if (problems.length > 0) throw new BadInput(problems);
  const content = encodeAdapter(parameters, card, backbone);
  const digest = adapterDigest(content);
  const earlier = findTunedAdapter(home, tenant, run);
  if (earlier !== null && earlier.adapter.digest !== digest)
    throw new BadInput([
      { where: '--id', problem: `${run} names another imported adapter; give this one another name` },
    ]);
  const adapter = await putAdapter(store, tenant, digest, content);
  await writeImportRecord(home, tenant, run, { config, adapter, card });
  return { adapter, card };
}

/** @throws BadInput for what no run can be called, and for the name of a run that there is. */
async function refuseRunsName(home: string, tenant: string, run: string): Promise<void> {
  const misnamed = idProblems(run, 'run', '--id');
  if (misnamed.length > 0) throw new BadInput(misnamed);
  const isRun =
    readSeenRun(home, tenant, run) !== null ||
    (await wordFor(tenantFolder(home, tenant), { type: 'tuning', id: run })) !== null;
  if (isRun)
    throw new BadInput([{ where: '--id', problem: `${run} is the name of a run; give the adapter another name` }]);
}

/** The names that were given, or else numbers. @throws BadInput unless there is one for each of so many classes. */
function classNames(given: readonly string[] | null, count: number): string[] {
  const names = given ?? Array.from({ length: count }, (_, index) => String(index));
  if (names.length !== count || new Set(names).size !== count)
    throw new BadInput([
      {
        where: '--classes',
        problem: `must be ${count} different names, one for each row of the adapter's classifier, not ${names.length}`,
      },
    ]);
  return [...names];
}

async function putAdapter(
  store: ObjectStore,
  tenant: string,
  digest: Sha256,
  content: Readonly<Record<AdapterFile, Buffer>>,
): Promise<AdapterRef> {
  const scratch = mkdtempSync(join(tmpdir(), 'rapt-import-'));
  try {
    for (const [file, bytes] of Object.entries(content)) writeFileSync(join(scratch, file), bytes);
    const paths = Object.fromEntries(ADAPTER_FILES.map((file) => [file, join(scratch, file)])) as Record<
      AdapterFile,
      string
    >;
    const prefix = keys.adapterPrefix(tenant, digest);
    // No run's manifest names the adapter, so that this mark is what keeps it. The mark is stored first, lest the files
    // be taken for garbage.
    await store.put(prefix + IMPORT_MARK, Buffer.from(canonicalJson({ format: 'rapt-import/1', digest })), {
      contentType: 'application/json',
    });
    return { digest, files: await putFiles(store, prefix, paths) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
