/** Everything below Rapt: setting a machine up and examining it, running the local stack, and examining the servers
 *  that somebody else runs. */
export { askDevice, type Device } from './ask-device.ts';
export { diagnose, type Finding } from './doctor.ts';
export { explainConnection, explainRefusal, isRefusal } from './server/explain-connection.ts';
export {
  asError,
  examineServer,
  isMissingNamespace,
  missingNamespace,
  prepareServer,
  requireServer,
  type Lack,
} from './server/index.ts';
export { end, isAlive, startDetached } from './stack/detached-process.ts';
export { assertSetUp, down, stackStatus, up, type ComponentStatus, type UpOptions } from './stack/local-stack.ts';
