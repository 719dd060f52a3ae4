export { FAMILIES, maxSequence, readBackboneConfig, type BackboneConfig, type Family } from './config.ts';
export { Encoder, type EncoderBatch, type ForwardPass, type VirtualTokenGradients, type VirtualTokens } from './encoder.ts';
export { loadEmbeddingTable } from './embeddings.ts';
export { readFrameIds, type FrameIds } from './frame.ts';
export type { LayerPrefix } from './layer.ts';
export { locateBackbone, type BackboneFiles } from './locate.ts';
export { loadTokenizer, type Tokenizer } from './tokenizer.ts';
