/** What a malicious provider asks of a client and of a GPU worker: by workflows of its own, by runs that it starts, and
 *  by what it changes in the store. Each stands here with the words by which it is refused. */
import type { Client } from '@temporalio/client';
import {
  clientQueue,
  CONTROL_QUEUE,
  GPU_QUEUE,
  keys,
  MANIFEST_FILE,
  parseTuningConfig,
  WORKFLOW_TYPE,
  type TuningConfig,
  type TuningInput,
} from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
import type { Forged } from './forging-workflow.ts';

/** What the provider knows of a run whose release lies in its store. */
export interface Known {
  readonly run: string;
  /** As the provider sees it; paths may be guesses. */
  readonly input: TuningInput;
  readonly localKey: string;
  readonly release: {
    readonly digest: string;
    readonly manifest: {
      readonly bucket: string;
      readonly key: string;
      readonly sha256: string;
      readonly sizeBytes: number;
    };
  };
  /** A private table that the provider has heard of, and a file of the owner. */
  readonly secret: string;
  readonly victim: string;
}

export interface Forgery {
  readonly what: string;
  /** Of the provider's workflow, which may have any name. */
  readonly workflowId: string;
  readonly forged: Forged;
  readonly refused: RegExp;
}

function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig(input);
  if (!parsed.ok) throw new Error('the forged configuration is none');
  return parsed.value;
}

/** Activities that the provider calls itself. */
export function forgeries({ run, input, localKey, release, secret, victim }: Known): Forgery[] {
  const own = configOf(input);
  const plain = configOf({ ...input, data: { train: secret }, privacy: { mechanism: 'none' } });
  const toClient = (activity: string, request: object): Forged => ({
    activity,
    taskQueue: clientQueue('local'),
    request,
  });
  const toGpu = (activity: string, request: object): Forged => ({ activity, taskQueue: GPU_QUEUE, request });
  const drawn = { localKey, digest: release.digest, rows: { train: 1, test: 1 } };
  const refs = {
    predictions: {
      bucket: release.manifest.bucket,
      key: release.manifest.key,
      sha256: release.manifest.sha256,
      sizeBytes: 1,
    },
  };
  const ofPolicy = /is not among the tables of the owner's policy/;
  const training = { tuning: own.tuning, backbone: own.backbone, untilStep: null, resumeFrom: [], release };
  return [
    {
      what: 'plain texts',
      workflowId: 'forged-none',
      forged: toClient('privatize', { run: 'forged-none', config: plain }),
      refused: ofPolicy,
    },
    {
      what: 'plain texts, past the first step',
      workflowId: 'forged-publish',
      forged: toClient('publish', {
        run: 'forged-publish',
        config: plain,
        release: { ...drawn, localKey: '../../../etc' },
      }),
      refused: ofPolicy,
    },
    {
      what: 'the same for a tenant who has spent nothing',
      workflowId: 'forged-tenant',
      forged: toClient('privatize', { run: 'forged-tenant', config: { ...plain, tenant: 'fresh' } }),
      refused: /is of tenant fresh and came by the queue rapt-client-local/,
    },
    {
      what: 'an attack on a single text',
      workflowId: run,
      forged: toClient('audit', { run, config: { ...own, audit: { ...own.audit, maxTokens: 1 } }, release: drawn }),
      refused: /the owner started .* here with other settings/,
    },
    {
      what: 'a grade for answers of its choice',
      workflowId: 'forged-score',
      forged: toClient('score', { run, config: own, release: drawn, audit: null, reconstruction: null, ...refs }),
      refused: /is of run .* and was sent by forged-score/,
    },
    {
      what: "a prediction over the owner's file",
      workflowId: 'forged-predict',
      forged: toClient('preparePrediction', {
        tenant: 'local',
        run,
        prediction: 'forged-predict',
        in: secret,
        out: victim,
      }),
      refused: /in: is not among the tables|has not finished on this client/,
    },
    {
      what: 'answers to nothing, over a file',
      workflowId: 'forged-answers',
      forged: toClient('finishPrediction', {
        prepared: { prediction: 'forged-answers', tenant: 'local', input: { path: secret, text: 'text' } },
        ...refs,
        out: victim,
      }),
      refused: /was not prepared by this client/,
    },
    {
      what: 'a message of its own to the webhook',
      workflowId: 'forged-notify-0123abcd',
      forged: toClient('notify', { run: 'forged', text: 'pay here' }),
      refused: /notice: is not what a run tells of itself/,
    },
    {
      what: "training of another tenant on this one's release",
      workflowId: 'theirs',
      forged: toGpu('train', { run: 'theirs', tenant: 'other', ...training }),
      refused: /names a /,
    },
    {
      what: 'training on a file that is no shard',
      workflowId: 'astray',
      forged: toGpu('train', {
        run: 'astray',
        tenant: 'local',
        ...training,
        release: { ...release, manifest: { ...release.manifest, key: `runs/local/${run}/result.json` } },
      }),
      refused: /names a /,
    },
  ];
}

/** Starts a run of the provider's own by the very payloads of another's input. */
export async function replay(client: Client, run: string, replayed: string): Promise<void> {
  const [started] = (await client.workflow.getHandle(run).fetchHistory()).events ?? [];
  await client.workflowService.startWorkflowExecution({
    namespace: 'default',
    workflowId: replayed,
    requestId: replayed,
    identity: 'provider',
    workflowType: { name: WORKFLOW_TYPE.tuning },
    taskQueue: { name: CONTROL_QUEUE },
    input: started!.workflowExecutionStartedEventAttributes!.input!,
  });
}

/** Writes a release's manifest anew, as of another tenant. @returns how to put the right one back. */
export async function alterManifest(store: ObjectStore, tenant: string, digest: string): Promise<() => Promise<void>> {
  const key = keys.releasePrefix(tenant, digest as never) + MANIFEST_FILE;
  const { body } = (await store.read(key))!;
  await store.put(key, Buffer.from(body.toString('utf8').replace(`"tenant":"${tenant}"`, '"tenant":"other"')), {
    verify: true,
  });
  return async () => {
    await store.put(key, body, { verify: true });
  };
}
