/** What must hold after a run, however often something was killed in it. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { keys, MANIFEST_FILE, releaseManifestSchema, type Fence } from '../../contracts/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { readStack } from '../../settings/index.ts';
import { createMinioStore, findGarbage } from '../../storage/index.ts';
import { homeFolder } from '../../system/index.ts';
import { runSinks } from '../../workers/run-sinks.ts';
import { minioClient } from '../../test/support/minio-client.ts';
import { modelProcesses } from './supervisor.ts';

const TENANT = 'local';

/** Checks that each text left in one noisy version only: the bytes on the client's disk, the ledger, and every version
 *  of every object that was ever written agree. @param releases digests of the releases of all runs so far. @returns
 *  what does not agree. */
export async function checkReleasedOnce(releases: ReadonlySet<string>): Promise<string[]> {
  const problems: string[] = [];
  const home = tenantFolder(clientHome(), TENANT);
  const folders = readdirSync(join(home, 'releases'));
  if (folders.length !== releases.size)
    problems.push(`${folders.length} releases on the client's disk after ${releases.size} runs`);
  const ledger = await new Ledger(home).releases();
  const local = new Map<string, string>();
  for (const folder of folders) {
    const path = join(home, 'releases', folder);
    if (!existsSync(join(path, MANIFEST_FILE))) {
      problems.push(`release folder ${folder} was begun and never completed`);
      continue;
    }
    const bytes = readFileSync(join(path, MANIFEST_FILE));
    const digest = createHash('sha256').update(bytes).digest('hex');
    const entries = ledger.filter(({ localKey }) => localKey === folder);
    if (entries.length !== 1 || entries[0]!.released?.digest !== digest)
      problems.push(`release ${digest} is ${entries.length} times in the ledger`);
    if (!releases.has(digest)) problems.push(`release ${digest} belongs to no run`);
    const manifest = releaseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    // Each shard that is drawn leaves a file there, named by the shard's digest.
    const drawn = readdirSync(join(path, 'private', 'shards')).length;
    if (drawn !== manifest.shards.length)
      problems.push(`${drawn} shards were drawn for the ${manifest.shards.length} of release ${digest}`);
    for (const file of [MANIFEST_FILE, ...manifest.shards.map((shard) => shard.file)])
      local.set(
        `releases/${TENANT}/${digest}/${file}`,
        createHash('md5')
          .update(readFileSync(join(path, file)))
          .digest('hex'),
      );
  }
  const written = await versionsUnder(`releases/${TENANT}/`);
  for (const { key, etag } of written) {
    const expected = local.get(key);
    if (expected === undefined) problems.push(`${key} was written and is no part of a release on the client's disk`);
    else if (etag !== expected) problems.push(`${key} was written with other bytes than those on the client's disk`);
  }
  for (const key of local.keys())
    if (!written.some((version) => version.key === key)) problems.push(`${key} was never written`);
  return problems;
}

/** Checks that nothing is left that nobody needs. @param gpuWorkers GPU workers that run: they may keep a model loaded
 *  for the next run. */
export async function checkLeftovers(gpuWorkers: readonly number[]): Promise<string[]> {
  const problems: string[] = [];
  const stack = readStack();
  for (const { pid, parent } of modelProcesses())
    if (!gpuWorkers.includes(parent) && belongsHere(pid)) problems.push(`model process ${pid} has no worker`);
  const home = homeFolder();
  for (const path of filesUnder(clientHome()))
    if (/\/tmp\/[^/]+$|\.part$/.test(path)) problems.push(`temporary file ${path.slice(home.length + 1)}`);
  for (const path of filesUnder(join(home, 'gpu')))
    if (!path.startsWith(join(home, 'gpu', 'releases')) || path.endsWith('.part'))
      problems.push(`temporary file ${path.slice(home.length + 1)}`);
  for (const path of filesUnder(join(home, 'stack', 'minio', '.minio.sys', 'multipart')))
    problems.push(`unfinished upload ${path.slice(home.length + 1)}`);
  const garbage = await findGarbage(createMinioStore(stack!.s3), {
    beforeMs: Infinity,
    openRuns: () => Promise.resolve([]),
  });
  for (const { key } of garbage.objects) problems.push(`${key} is referred to by nothing`);
  return problems;
}

/** Checks every version of the checkpoint pointer that was ever written: only the newest attempt moved it, and it ends
 *  at the last step. */
export async function checkPointer(run: string): Promise<string[]> {
  const key = keys.checkpointPointer(TENANT, run);
  const written: { fence: Fence; newest?: { step: number }; totalSteps?: number }[] = [];
  for (const { versionId } of await versionsUnder(key)) {
    const chunks: Buffer[] = [];
    for await (const chunk of (await minio().getObject(readStack()!.s3.bucket, key, {
      versionId,
    })) as AsyncIterable<Buffer>)
      chunks.push(chunk);
    written.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as (typeof written)[number]);
  }
  // Newest first, as S3 lists them.
  const problems = written.slice(1).flatMap((before, index) => {
    const { fence } = written[index]!;
    const older =
      fence.scheduledMs < before.fence.scheduledMs ||
      (fence.scheduledMs === before.fence.scheduledMs && fence.attempt < before.fence.attempt);
    return older ? [`the pointer of attempt ${before.fence.attempt} was overwritten by attempt ${fence.attempt}`] : [];
  });
  const last = written[0];
  if (last?.newest === undefined || last.newest.step !== last.totalSteps)
    problems.push('the pointer does not end at the last step');
  return problems;
}

/** Checks that the run's history replays. */
export async function checkReplay(
  handle: WorkflowHandle,
  bundle: { codePath: string },
  dataConverter: DataConverter,
): Promise<string[]> {
  try {
    await Worker.runReplayHistory(
      { workflowBundle: bundle, dataConverter, sinks: runSinks },
      await handle.fetchHistory(),
      handle.workflowId,
    );
    return [];
  } catch (error) {
    return [`the history does not replay: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** From now on the store keeps every version of what is written. */
export async function keepVersions(): Promise<void> {
  const { s3 } = readStack()!;
  await createMinioStore(s3).ensureBucket();
  await minio().setBucketVersioning(s3.bucket, { Status: 'Enabled' });
}

async function versionsUnder(prefix: string): Promise<{ key: string; etag: string; versionId: string }[]> {
  const found: { key: string; etag: string; versionId: string }[] = [];
  const stream = minio().listObjects(readStack()!.s3.bucket, prefix, true, { IncludeVersion: true });
  for await (const { name, etag, versionId, isDeleteMarker } of stream as AsyncIterable<{
    name: string;
    etag?: string;
    versionId: string;
    isDeleteMarker?: boolean;
  }>)
    if (isDeleteMarker !== true && etag !== undefined)
      found.push({ key: name, etag: etag.replaceAll('"', ''), versionId });
  return found;
}

const minio = (): ReturnType<typeof minioClient> => minioClient(readStack()!.s3);

/** Whether a process belongs to this bench: other work on this machine may run models as well. */
function belongsHere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(CHAOS_MARK);
  } catch {
    return false;
  }
}

/** In the environment of every process that the bench starts. */
export const CHAOS_MARK = `TF_RAPT_CHAOS=${process.pid}`;

function filesUnder(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
