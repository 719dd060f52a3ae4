import type { Seals } from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
import type { Webhook } from './notify.ts';

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
