/** In whose name keys are lent: a MinIO user of the issuer's own. A lent key's token names its lender, and MinIO's community server takes a write
 *  without a signature from whoever names a user in the query and announces an unsigned body with a trailer. From a lender that is root, a GPU worker
 *  that was taken over could so write what it pleases. This user cannot be used in that way. */
import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { StoreConnection, type StoreOptions } from '../connection.ts';
import { describeFailure } from '../failure.ts';
import { lenderPolicy } from './policy.ts';
import type { StoreKeys } from './renewed-keys.ts';

const OK = 200;
/** What a store answers that has no such interface or no users of its own, or to keys that are no administrator's. */
const NOT_DONE = [400, 403, 404, 405, 501];

/** Makes the user, or brings the one that is there up to date. Its secret follows from the administrator's, so that it is kept nowhere.
 *  @returns its keys; null when the store is no MinIO, or these are not an administrator's keys. @throws RaptError as the store does. */
export async function ensureLender(admin: StoreOptions): Promise<StoreKeys | null> {
  const { bucket, secretKey: password } = admin;
  const derive = (what: string): string => createHmac('sha256', password).update(`rapt lender ${what} of ${bucket}`).digest('hex');
  const accessKey = `rapt-${derive('name').slice(0, 12)}`;
  const secretKey = derive('secret').slice(0, 40);
  const connection = new StoreConnection(admin);
  const done = async (path: string, query: Readonly<Record<string, string>>, body: Buffer | string = ''): Promise<boolean> => {
    const request = { method: 'PUT', bucketName: 'minio', objectName: `admin/v3/${path}`, query: new URLSearchParams(query).toString() };
    const { statusCode } = await connection.send(() => connection.client.makeRequestAsyncOmit(request, body, [OK, ...NOT_DONE], connection.region));
    return statusCode === OK;
  };
  try {
    const made =
      (await done('add-canned-policy', { name: accessKey }, JSON.stringify(lenderPolicy(bucket)))) &&
      (await done('add-user', { accessKey }, sealForAdmin(password, Buffer.from(JSON.stringify({ secretKey, status: 'enabled' }))))) &&
      (await done('set-user-or-group-policy', { policyName: accessKey, userOrGroup: accessKey, isGroup: 'false' }));
    return made ? { accessKey, secretKey } : null;
  } catch (error) {
    const { endpoint, secrets } = connection;
    throw describeFailure('making a user for', error, { endpoint, bucket, secrets: [...secrets, accessKey, secretKey], keysAreGiven: false });
  }
}

const SALT_BYTES = 32;
const NONCE_BYTES = 8;
const PBKDF2_ROUNDS = 8192;
/** MinIO's number for PBKDF2 with AES-256-GCM. */
const CIPHER_ID = 2;

/** Encrypts as MinIO's administration wants it: salt, cipher, nonce, and one block of a stream whose every block is bound to its place and to whether
 *  it is the last. https://pkg.go.dev/github.com/minio/madmin-go/v3#EncryptData, https://github.com/secure-io/sio-go
 *  @param data up to 16 KiB, which is one block. */
export function sealForAdmin(password: string, data: Buffer): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const key = pbkdf2Sync(password, salt, PBKDF2_ROUNDS, 32, 'sha256');
  const seal = (block: number, plain: Buffer, bound: Buffer): Buffer => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32LE(block);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([nonce, counter])).setAAD(bound);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  const LAST = 0x80;
  const bound = Buffer.concat([Buffer.from([LAST]), seal(0, Buffer.alloc(0), Buffer.alloc(0))]);
  return Buffer.concat([salt, Buffer.from([CIPHER_ID]), nonce, seal(1, data, bound)]);
}
