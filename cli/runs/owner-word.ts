/** The owner's word: with it, a run or prediction that the owner starts by a command on the client's own machine
 *  need not be allowed by the policy. */
import { BadInput, parseTuningConfig, type PredictInput, type TuningConfig } from '../../contracts/index.ts';
import { findTunedAdapter, hasImport } from '../../activities/client/records/run-record.ts';
import { resolveDataset } from '../../rapt/data/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { approve, placeOf, readPolicy, tablesNow, withTables, wordFor, type Terms } from '../../rapt/policy/index.ts';

/** Gives the word for exactly this run or prediction, on the tables as they are now. No word is given for a prediction
 *  of a run that this machine does not know: then the client is another machine, and it is not known by which mechanism
 *  the texts would leave. */
export async function giveWord(id: string, input: TuningConfig | PredictInput): Promise<void> {
  const home = clientHome();
  const folder = tenantFolder(home, input.tenant);
  const policy = readPolicy(home);
  if ('data' in input) {
    const { train, test } = withTables(policy, input).data;
    const named = [resolveDataset(train), ...(test === undefined ? [] : [resolveDataset(test, 'test')])];
    await approve(folder, { type: 'tuning', id, request: input, tables: await tablesNow(named) });
    return;
  }
  const terms = await termsOf(input);
  if (terms === null) return;
  const tables = await tablesNow([resolveDataset(placeOf(policy, input.in), 'test')]);
  await approve(folder, { type: 'prediction', id, request: input, tables, terms });
}

/** `termsOf` as a sentence for the user. */
export async function toldTerms(asked: Pick<PredictInput, 'tenant' | 'run'>): Promise<string | null> {
  const terms = await termsOf(asked);
  if (terms === null) return null;
  const { tenant, run } = asked;
  const isOwn =
    hasImport(clientHome(), tenant, run) ||
    (await wordFor(tenantFolder(clientHome(), tenant), { type: 'tuning', id: run })) !== null;
  const leave =
    terms.eta === null ? 'the texts leave as they are' : `the texts leave by ${terms.mechanism}, eta ${terms.eta}`;
  return `${leave}, as those of run ${run}${isOwn ? '' : ', which you did not start here'}`;
}

/** The mechanism and eta by which texts leave that this run is asked about; null where the client is another
 *  machine. */
async function termsOf({ tenant, run }: Pick<PredictInput, 'tenant' | 'run'>): Promise<Terms | null> {
  const home = clientHome();
  const record = findTunedAdapter(home, tenant, run);
  if (record === null) return null;
  const { ownTerms } = await import('../../rapt/client/index.ts');
  return ownTerms(home, tenant, record);
}

/** The settings with which the owner started a run here; null when they did not. @throws BadInput when the current
 *  version does not accept them. */
export async function ownConfig(run: string, tenant: string): Promise<TuningConfig | null> {
  const word = await wordFor(tenantFolder(clientHome(), tenant), { type: 'tuning', id: run });
  if (word === null) return null;
  const parsed = parseTuningConfig(word.request);
  if (!parsed.ok) throw new BadInput(parsed.problems);
  return parsed.value;
}
