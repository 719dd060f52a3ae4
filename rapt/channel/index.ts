/** What an adversary knows before the release: the mechanism's public P(y|x), what he expects of x, and how far all
 *  tokens lie from each other. */
export { Channel, type ChannelOptions } from './channel.ts';
export { PairDistances } from './pair-distances.ts';
export { countedPrior, estimatedPrior, zipfPrior } from './prior.ts';
export { drawFrom } from './sample.ts';
export { distances, rowTensor, TableTiles, type Tile } from './tiles.ts';
