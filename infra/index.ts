/** Where things lie, what runs, and what is missing on this machine. */
export { assertEncrypts } from './assert-encrypts.ts';
export {
  keysFile,
  ownerKeysFile,
  readKeysFile,
  resolveKeyring,
  resolveOwnerKeys,
  writeKeysFile,
} from './codec-keys.ts';
export { resolveServices, type Services } from './environment.ts';
export { explainConnection, explainRefusal, isRefusal } from './explain-connection.ts';
export { grantNew, grantsFile, grantsIn, readGrants, revoke, writeTokenFile } from './grants.ts';
export { knownLenderSecret, lenderFile, lenderSecret } from './lender.ts';
export { readTablesFromS3 } from './input-tables.ts';
export { resolveAdministration, resolveStore } from './object-store.ts';
export { cacheFolder, homeFolder, projectRoot } from './paths.ts';
export { secret } from './secrets.ts';
export {
  asError,
  examineServer,
  isMissingNamespace,
  missingNamespace,
  prepareServer,
  requireServer,
  type Lack,
} from './server/index.ts';
export { end, isAlive, startDetached } from './stack/process.ts';
export { readStack, type StackRecord, type StartedProcess } from './stack/record.ts';
export { assertSetUp, down, stackStatus, up, type ComponentStatus, type UpOptions } from './stack/stack.ts';
export { checkAddress, namedTemporal, type NamedTemporal, type TemporalConnection } from './temporal.ts';
export { resolveWebhook, type NamedWebhook } from './webhook.ts';
export { askDevice, type Device } from './device.ts';
export { diagnose, type Finding } from './doctor.ts';
