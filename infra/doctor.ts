/** The doctor: looks at everything that Rapt needs on this machine, and says how to mend what is wrong. */
import { tenantsOf, type Keyring } from '../codec/index.ts';
import { BadInput } from '../contracts/index.ts';
import {
  describeKeys,
  describeSecurity,
  namedTemporal,
  resolveKeyring,
  resolveOwnerKeys,
  resolveWebhook,
  SERVERS,
} from '../settings/index.ts';
import { setting, SETUP_COMMAND } from '../system/index.ts';
import { askDevice } from './ask-device.ts';
import { brokenFiles, COMPONENTS, DEVICE_VARIABLE, examine, type Component } from './setup/index.ts';
import { stackStatus } from './stack/local-stack.ts';

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** Where a thing is, or what is wrong with it. */
  readonly detail: string;
  /** The command that mends it; null when nothing is to be done. */
  readonly fix: string | null;
}

/** Whether the environment names another Temporal server, or another object store, than those of the local stack. */
function namedElsewhere(): { readonly temporal: boolean; readonly store: boolean } {
  let temporal = true;
  try {
    temporal = namedTemporal() !== null;
  } catch (error) {
    // The finding about Temporal's connection tells this.
    if (!(error instanceof BadInput)) throw error;
  }
  return { temporal, store: setting('RAPT_S3_ENDPOINT') !== undefined };
}

/** Looks at everything that Rapt needs on this machine; changes nothing. */
export async function diagnose(): Promise<Finding[]> {
  const elsewhere = namedElsewhere();
  const needed = COMPONENTS.filter(
    ({ name }) => !(elsewhere.temporal && name === 'temporal') && !(elsewhere.store && name === 'minio'),
  );
  const machine = examine(needed.filter((component) => !component.isReady()));
  const settings = needed.flatMap((component) => component.settings?.() ?? []);
  const parts = await Promise.all(needed.map(examinePart));
  const device = parts.every(({ ok }) => ok) ? [await examineDevice()] : [];
  const isElsewhere = (component: string): boolean =>
    ['minio', 'credentials'].includes(component) ? elsewhere.store : elsewhere.temporal;
  const stack = stackStatus()
    .filter(({ component, running }) => running || !isElsewhere(component))
    .map(({ component, running, pid, address, log }): Finding => ({
      what: `${component} ${SERVERS.includes(component) ? 'server' : 'worker'}`,
      ok: running,
      detail: running
        ? `running as process ${pid}${address === null ? '' : ` at ${address}`}`
        : `not running (log: ${log})`,
      fix: running ? null : 'rapt up',
    }));
  return [
    ...machine,
    ...settings,
    ...parts,
    ...device,
    ...stack,
    told('Temporal connection', connection),
    told('object store keys', storeKeys),
    told('payload encryption', encryption),
    told('webhook', webhook),
  ];
}

/** Whether a part is there, and each of its bytes is still what set-up put there. */
async function examinePart(part: Component): Promise<Finding> {
  const { name: what, title } = part;
  if (!part.isReady())
    return { what, ok: false, detail: `missing, or not as it was made: ${title}`, fix: SETUP_COMMAND };
  const broken = await brokenFiles(what, part.files());
  if (broken.length > 0)
    return { what, ok: false, detail: `not as it was made: ${broken.join(', ')}`, fix: SETUP_COMMAND };
  return { what, ok: true, detail: part.place(), fix: null };
}

/** On what models run. TensorFlow itself is asked. */
async function examineDevice(): Promise<Finding> {
  const what = 'device';
  try {
    const { name, usesGpu, library } = await askDevice();
    if (usesGpu || setting(DEVICE_VARIABLE) !== 'gpu')
      return { what, ok: true, detail: `${name} (${library})`, fix: null };
    const detail = `${name}: ${DEVICE_VARIABLE} is gpu, and TensorFlow finds none that it can use`;
    return { what, ok: false, detail, fix: `see what nvidia-smi says, or unset ${DEVICE_VARIABLE}` };
  } catch (error) {
    return { what, ok: false, detail: error instanceof Error ? error.message : String(error), fix: SETUP_COMMAND };
  }
}

type Told = Pick<Finding, 'ok' | 'detail' | 'fix'>;

/** A finding about settings. Settings that cannot be used are a finding as well, not an error. */
function told(what: string, look: () => Told): Finding {
  try {
    return { what, ...look() };
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return {
      what,
      ok: false,
      detail: error.message,
      fix: 'correct what is named there; docs/operations.md lists all variables',
    };
  }
}

const fine = (detail: string): Told => ({ ok: true, detail, fix: null });

function connection(): Told {
  const named = namedTemporal();
  if (named === null) return fine('to the local stack');
  const { connection: to, namespace } = named;
  return fine(`to ${to.address}, namespace ${namespace}, ${describeSecurity(to)}`);
}

const storeKeys = (): Told => fine(describeKeys().detail);

function webhook(): Told {
  const named = resolveWebhook();
  if (named === null) return fine('none: nobody is told of the states of runs');
  const secrets = named.secrets.length === 1 ? 'one secret' : `${named.secrets.length} secrets`;
  // Only the origin is shown: a path may hold a token.
  return fine(`at ${new URL(named.url).origin}, signed by ${secrets}`);
}

function encryption(): Told {
  const external = namedTemporal();
  const keyring = resolveKeyring(external === null);
  if (keyring !== null) {
    const seals = sealing(resolveOwnerKeys(external === null));
    return fine(`with the key ${keyring[0].id}; ${keyring.length} of them decrypt; ${seals}`);
  }
  if (external === null) return fine('the first `rapt up` makes a key');
  return {
    ok: false,
    detail: `none: whoever runs the Temporal server at ${external.connection.address} reads configurations and results`,
    fix: 'rapt keys add --file FILE, and RAPT_CODEC_KEYS_FILE=FILE for every process',
  };
}

const sealing = (ownerKeys: Keyring | null): string =>
  ownerKeys === null
    ? 'no owner key: whoever holds these keys can read names of files and columns'
    : `names of files and columns are sealed for ${tenantsOf(ownerKeys).join(', ')}`;
