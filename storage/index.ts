/** Artifacts in an S3 bucket: verified, content-addressed, and the checkpoint pointer that only one attempt can move. */
export { contentTypeOf, putFiles } from './files.ts';
export { findGarbage, removeGarbage, type Garbage } from './garbage.ts';
export { createMinioStore, type StoreOptions } from './minio.ts';
export { CheckpointPointerCell } from './pointer.ts';
export { artifactsOf, readRunManifest, writeRunManifest } from './run-manifest.ts';
export { addCheckpoint, keptCheckpoints } from './retention.ts';
export type { RetryOptions } from './retry.ts';
export type { ListedObject, ObjectStore, PutOptions, StoredObject, UnfinishedUpload } from './store.ts';
