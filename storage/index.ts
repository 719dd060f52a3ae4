/** Artifacts in an S3 bucket: they are verified and found by their content, and only one attempt at a time can move the
 *  checkpoint pointer. Also who may do what in the bucket. */
export { formatGrant, grantFor, grantId, newToken, parseGrants, type Grant } from './access/grants.ts';
export { createIssuer, issueKeys, type Issuer, type IssuerOptions } from './access/issuer.ts';
export { ensureLender, findLenders, removeLender, sealForAdmin, type Lenders, type Lending } from './access/lender.ts';
export { parseRole, policyOf, roleName, type Policy, type Role } from './access/role-rights.ts';
export type { IssuedKeys, KeySource, StoreKeys } from './access/renewed-keys.ts';
export { CREDENTIALS_PATH, startCredentialServer, type CredentialServerOptions } from './access/credential-server.ts';
export { checkKeyServerUrl, keysFrom, type KeyServer } from './access/key-source.ts';
export type { BucketOptions, RenewedStoreOptions, StoreOptions } from './connection.ts';
export { contentTypeOf, putFiles } from './put-files.ts';
export { findGarbage, removeGarbage, type Garbage } from './garbage.ts';
export { createMinioStore } from './minio.ts';
export { CheckpointPointerCell } from './checkpoint-pointer.ts';
export { artifactsOf, readRunManifest, writeRunManifest } from './run-manifest.ts';
export { BucketReader, type BucketReaderOptions, type ObjectPlace, type ObjectRange } from './bucket-reader.ts';
export { addCheckpoint, keptCheckpoints, names } from './kept-checkpoints.ts';
export type { RetryOptions } from './retry.ts';
export type { ListedObject, ObjectStore, PutOptions, StoredObject, UnfinishedUpload } from './store.ts';
