import { Client } from 'minio';
import type { StoreOptions } from '../../storage/index.ts';

/** The store past its port: versions, metadata and unfinished uploads, as whoever checks or damages it needs them. */
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
