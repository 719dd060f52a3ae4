/** What Rapt needs of a Temporal server: examining a server, and preparing it. */
export {
  asError,
  examineServer,
  isMissingNamespace,
  missingNamespace,
  requireServer,
  type Examined,
  type Lack,
} from './examine.ts';
export { prepareServer, type Prepared } from './prepare.ts';
