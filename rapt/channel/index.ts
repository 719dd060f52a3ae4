/** What an adversary knows before they see a release: the mechanism's public channel P(y|x) (channel.ts), which tokens
 *  x they expect (prior.ts), and how far the tokens lie from each other (pair-distances.ts). All of it works on the
 *  public table, which tiles.ts cuts up when it is large. The attacks use it, and so does tuning on posterior
 *  embeddings. */
export { Channel, type ChannelOptions } from './channel.ts';
export { PairDistances } from './pair-distances.ts';
export { countedPrior, estimatedPrior, zipfPrior } from './prior.ts';
export { drawFrom } from './sample.ts';
export { distances, rowTensor, TableTiles, type Tile } from './tiles.ts';
