/** Artifacts in an S3 bucket: verified, content-addressed, and the checkpoint pointer that only one attempt can move. */
export { putFiles } from './files.ts';
export { createMinioStore, type StoreOptions } from './minio.ts';
export { CheckpointPointerCell } from './pointer.ts';
export type { RetryOptions } from './retry.ts';
export type { ObjectStore, PutOptions, StoredObject } from './store.ts';
