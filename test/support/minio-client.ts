/** A client of the object store without Rapt's port before it. */
import { Client } from 'minio';
import type { StoreOptions } from '../../storage/index.ts';

/** Gives access to versions, metadata and unfinished uploads, for whoever checks or damages the store. */
export function minioClient({ endpoint, accessKey, secretKey }: StoreOptions): Client {
  const { hostname, port } = new URL(endpoint);
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
    region: 'us-east-1',
  });
}
