import { BadInput } from '../contracts/index.ts';
import { SETUP_COMMAND } from '../system/index.ts';
import { resolveKeyring } from './codec-keys.ts';
import { describeKeys } from './object-store.ts';
import { COMPONENTS, hasProgram, type Program } from './setup/index.ts';
import { SERVERS } from './stack/record.ts';
import { stackStatus } from './stack/stack.ts';
import { describeSecurity, namedTemporal } from './temporal.ts';
import { resolveWebhook } from './webhook.ts';

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** Where it is, or what is missing. */
  readonly detail: string;
  /** The command that mends it; null when nothing is to be done. */
  readonly fix: string | null;
}

const PROGRAMS: readonly Program[] = ['pip', 'go', 'c++', 'make'];
const INSTALL: Readonly<Record<Program, string>> = {
  pip: 'apt-get install python3-pip',
  go: 'install Go 1.24 or later, or set RAPT_MINIO_BIN',
  'c++': 'apt-get install g++',
  make: 'apt-get install make',
};

/** Looks at everything that Rapt needs on this machine; changes nothing. */
export function diagnose(): Finding[] {
  const ready = COMPONENTS.map((component): Finding => {
    const ok = component.isReady();
    return { what: component.name, ok, detail: ok ? component.place() : `missing: ${component.title}`, fix: ok ? null : SETUP_COMMAND };
  });
  const building = PROGRAMS.filter((program) => COMPONENTS.some((component) => !component.isReady() && component.programs.includes(program)));
  const programs = building.map((program): Finding => {
    const ok = hasProgram(program);
    return { what: `program ${program}`, ok, detail: ok ? 'found' : 'missing, and set-up needs it', fix: ok ? null : INSTALL[program] };
  });
  const stack = stackStatus().map(({ component, running, pid, address, log }): Finding => ({
    what: `${component} ${SERVERS.includes(component) ? 'server' : 'worker'}`,
    ok: running,
    detail: running ? `running as process ${pid}${address === null ? '' : ` at ${address}`}` : `not running (log: ${log})`,
    fix: running ? null : 'rapt up',
  }));
  return [{ what: 'Node', ok: true, detail: process.version, fix: null }, ...ready, ...programs, ...stack, told('Temporal connection', connection), told('object store keys', storeKeys), told('payload encryption', encryption), told('webhook', webhook)];
}

type Told = Pick<Finding, 'ok' | 'detail' | 'fix'>;

/** Settings that cannot be used are a finding like others. */
function told(what: string, look: () => Told): Finding {
  try {
    return { what, ...look() };
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    return { what, ok: false, detail: error.message, fix: 'correct what is named there; docs/operations.md lists all variables' };
  }
}

const fine = (detail: string): Told => ({ ok: true, detail, fix: null });

function connection(): Told {
  const named = namedTemporal();
  return fine(named === null ? 'to the local stack' : `to ${named.connection.address}, namespace ${named.namespace}, ${describeSecurity(named.connection)}`);
}

const storeKeys = (): Told => fine(describeKeys().detail);

function webhook(): Told {
  const named = resolveWebhook();
  // A path may hold a token.
  return fine(named === null ? 'none: nobody is told of the states of runs' : `at ${new URL(named.url).origin}, signed by ${named.secrets.length === 1 ? 'one secret' : `${named.secrets.length} secrets`}`);
}

function encryption(): Told {
  const external = namedTemporal();
  const keyring = resolveKeyring(external === null);
  if (keyring !== null) return fine(`with the key ${keyring[0].id}; ${keyring.length} of them decrypt`);
  if (external === null) return fine('the first `rapt up` makes a key');
  return { ok: false, detail: `none: whoever runs the Temporal server at ${external.connection.address} reads configurations and results`, fix: 'rapt keys add --file FILE, and RAPT_CODEC_KEYS_FILE=FILE for every process' };
}
