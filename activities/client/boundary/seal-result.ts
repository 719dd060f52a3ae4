/** Results as they leave the client: what only the owner needs of them is sealed, and comes back to the client, or to
 *  the owner's command, to be opened there. */
import { mapStrings, OWNER_FIELDS, type ClientActivities, type Seals } from '../../../contracts/index.ts';

/** Fields of each activity's result, and what they are called in the requests and results that quote them. */
const FIELDS: { readonly [name in keyof ClientActivities]?: Readonly<Record<string, string>> } = {
  audit: { 'attributes.attribute': 'audit.attributes.attribute' },
  score: { 'gates.gate': 'gates.gate' },
  report: { path: 'report.path' },
  preparePrediction: {
    'input.path': 'input.path',
    'input.text': 'input.text',
    'input.pair': 'input.pair',
    'input.label': 'input.label',
  },
  finishPrediction: { out: 'out' },
};

/** @param run workflow id of the run or prediction. */
export function sealResult<T>(name: keyof ClientActivities, result: T, seals: Seals | null, run: string): T {
  const fields = FIELDS[name];
  if (seals === null || fields === undefined) return result;
  return mapStrings(result, (text, at) => {
    const field = fields[at];
    if (field === undefined || (at === 'gates.gate' && !text.startsWith(OWNER_FIELDS.gates))) return text;
    return seals.seal(text, { field, run });
  });
}
