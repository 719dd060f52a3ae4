import type { Seals } from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';

/** Where the states of runs are told. Only the client knows it: neither its address nor its secrets are part of a
 *  workflow's input. */
export interface Webhook {
  readonly url: string;
  /** Each signs every message, so that a receiver may change from one to another. */
  readonly secrets: readonly Buffer[];
  /** Of Temporal's UI; null when nobody said where it is. */
  readonly uiUrl: string | null;
}

/** What the client's activities work with. */
export interface ClientDependencies {
  readonly store: ObjectStore;
  /** Folder of all tenants of this machine. */
  readonly home: string;
  /** Whom the states of runs are told; absent when nobody wants to know. */
  readonly webhook?: Webhook | undefined;
  /** Below which address a browser finds the reports; absent when nobody said. */
  readonly reportsUrl?: string;
  /** With the owner key of this worker's tenant; absent when it has none. */
  readonly seals?: Seals | null;
}
