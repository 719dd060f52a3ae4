/** Names on the model hub: "organisation/model", and "organisation/model@revision" for a branch, a tag or a commit. */
export interface HubName {
  readonly model: string;
  readonly revision: string;
}

const DEFAULT_REVISION = 'main';
const NAME = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(\w[\w.-]*(?:\/\w[\w.-]*)*))?$/;

/** Null for what is no name on the hub. */
export function parseHubName(name: string): HubName | null {
  const [, model, revision = DEFAULT_REVISION] = NAME.exec(name) ?? [];
  return model === undefined || name.includes('..') ? null : { model, revision };
}

/** Whether a revision names one state of a model for ever. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** As a folder's name. */
export const folderName = (name: string): string => name.replaceAll('/', '--');
