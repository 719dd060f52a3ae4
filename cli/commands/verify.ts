/** verify: a finished run's artifacts against their digests. */
import type { Command } from 'commander';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { resolveStore } from '../../settings/index.ts';
import { artifactsOf, createMinioStore, readRunManifest, type ObjectStore } from '../../storage/index.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { green, print, printJson, red } from '../terminal/output.ts';

interface CheckedArtifact {
  readonly what: string;
  readonly key: string;
  /** Null when its bytes are those of the digest. */
  readonly problem: string | null;
}

export function addTo(program: Command): void {
  program
    .command('verify')
    .description('read every artifact of a finished run, and compare it with its digest')
    .argument('<id>')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt verify nightly')
    .action(async (id: string, { tenant, json }: { tenant?: string; json?: true }) => {
      const owner = tenantOfRun(id, tenant);
      const store = createMinioStore(resolveStore({ kind: 'client', tenant: owner }));
      const checked = await verify(store, owner, id);
      if (json) printJson({ workflowId: id, artifacts: checked });
      else for (const artifact of checked) print(inWords(artifact));
      process.exitCode = checked.every(({ problem }) => problem === null) ? EXIT.done : EXIT.failed;
    });
}

/** @throws RaptError notFound when there is no such finished run. */
async function verify(store: ObjectStore, tenant: string, id: string): Promise<CheckedArtifact[]> {
  const manifest = await readRunManifest(store, tenant, id);
  if (manifest === null)
    throw new RaptError(
      ErrorKind.notFound,
      `run ${id} of tenant ${tenant} has no manifest; only finished runs have one`,
    );
  const checked: CheckedArtifact[] = [];
  for (const { what, ref } of await artifactsOf(store, tenant, manifest)) {
    const problem = await store.get(ref).then(
      () => null,
      (error: unknown) => (error instanceof RaptError ? error.message : String(error)),
    );
    checked.push({ what, key: ref.key, problem });
  }
  return checked;
}

const inWords = ({ what, key, problem }: CheckedArtifact): string =>
  `${problem === null ? green('✓') : red('✗')} ${what.padEnd(34)} ${problem ?? key}`;
