/** What each process reads from its environment: which servers it uses, and with which keys and secrets. Where the
 *  environment says nothing, these are the servers and keys of the local stack that `rapt up` started. */
export { assertEncrypts } from './assert-encrypts.ts';
export {
  keysFile,
  makeStackKeys,
  makeStackOwnerKeys,
  ownerKeysFile,
  readKeysFile,
  resolveKeyring,
  resolveOwnerKeys,
  writeKeysFile,
} from './codec-keys.ts';
export { grantNew, grantsFile, grantsIn, readGrants, revoke, writeTokenFile } from './grant-files.ts';
export { readTablesFromS3 } from './input-tables.ts';
export { knownLenderSecret, lenderFile, lenderSecret } from './lender-secret.ts';
export {
  COMPONENTS,
  logFile,
  PREFERRED_METRICS,
  readStack,
  SERVERS,
  stackFolder,
  writeStack,
  type Component,
  type StackRecord,
  type StartedProcess,
} from './stack-record.ts';
export { describeKeys, resolveAdministration, resolveStore } from './object-store.ts';
export { secret } from './secrets.ts';
export { resolveServices, type Services } from './services.ts';
export {
  checkAddress,
  describeSecurity,
  localNamespace,
  namedTemporal,
  tlsOf,
  type NamedTemporal,
  type TemporalConnection,
} from './temporal-address.ts';
export { resolveWebhook, type NamedWebhook } from './webhook.ts';
export { logLevel, metricsAddress } from './observability.ts';
