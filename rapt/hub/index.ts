/** The model hub: names, what it says of files, fetching them, and what other programs have fetched from it on this
 *  machine. Nothing here knows what a model is made of. */
export { Hub, type HubFile } from './hub.ts';
export { download, partOf, sizeOf } from './download.ts';
export { keptSnapshot } from './kept-snapshot.ts';
export { folderName, parseHubName, type HubName } from './hub-name.ts';
export { onHubNews, tell } from './download-news.ts';
export { isOffline } from './hub-settings.ts';
