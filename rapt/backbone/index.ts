export { maxSequence, readBackboneConfig, type BackboneConfig, type Family } from './backbone-config.ts';
export {
  Encoder,
  poolingProblems,
  type EncoderBatch,
  type ForwardPass,
  type VirtualTokenGradients,
  type VirtualTokens,
} from './encoder.ts';
export { loadEmbeddingTable } from './embeddings.ts';
export { readFrameIds, type FrameIds } from './frame-ids.ts';
export type { LayerPrefix } from './layer.ts';
export { dense, denseBackward } from './operations.ts';
export type { Dense } from './weights.ts';
export { locateBackbone, type BackboneFiles } from './locate.ts';
export { openBackbone, openLocated, type PublicBackbone } from './public-backbone.ts';
export { loadTokenizer, type Tokenizer } from './tokenizer.ts';
