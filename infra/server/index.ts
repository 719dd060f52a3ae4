/** What Rapt needs of a Temporal server: looking for it, and making what is missing. */
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
