/** What the provider's side has put into the store: answers, and the card beside an adapter. Only their form is
 *  checked here; whoever reads them checks whether they are right. */
import {
  adapterCardSchema,
  predictionsSchema,
  type AdapterCard,
  type AdapterRef,
  type ArtifactRef,
  type Predictions,
} from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';

export async function readPredictions(store: ObjectStore, ref: ArtifactRef): Promise<Predictions> {
  return predictionsSchema.parse(JSON.parse((await store.get(ref)).toString('utf8')));
}

export async function readStoredCard(store: ObjectStore, { files }: AdapterRef): Promise<AdapterCard> {
  return adapterCardSchema.parse(JSON.parse((await store.get(files['rapt.json'])).toString('utf8')));
}
