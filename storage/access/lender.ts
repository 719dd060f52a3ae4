/** The lender: a MinIO user of the issuer's own, in whose name keys are lent. A lent key's token names its lender, and
 *  MinIO's community server takes a write without a signature from whoever names a user in the query and announces an
 *  unsigned body with a trailer. If the lender were root, a GPU worker that was taken over could write what it pleases
 *  in this way. This user's policy refuses such writes. */
import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { StoreConnection, type StoreOptions } from '../connection.ts';
import { describeFailure } from '../store-failure.ts';
import { isLenderPolicy, lenderPolicy } from './role-rights.ts';
import type { StoreKeys } from './renewed-keys.ts';

const OK = 200;
const NOT_FOUND = 404;
/** Status codes of a store without this interface or without users of its own, and for keys that are not an
 *  administrator's. */
const NOT_DONE = [400, 403, 404, 405, 501];

/** Who lends keys to a bucket, by the names of MinIO users. */
export interface Lenders {
  /** This issuer's lender; null when its user is not there. */
  readonly own: string | null;
  /** Earlier lenders of this issuer, made when the store had another password. */
  readonly earlier: readonly string[];
  /** Lenders made by versions of Rapt in which they followed from the store's password alone: whoever once knew that
   *  password can use them. */
  readonly ofEarlierVersions: readonly string[];
  /** Lenders of issuers that have other files. */
  readonly ofOthers: readonly string[];
}

export interface Lending {
  readonly keys: StoreKeys;
  /** Users that were removed; what was lent in their names ended with them. */
  readonly ended: readonly string[];
  /** Users of issuers that have other files. They stay as they are. */
  readonly ofOthers: readonly string[];
}

/** Makes the lender, or brings it up to date, and then removes the lenders that it replaces: this issuer's earlier
 *  ones, and those of earlier versions.
 *  @param secret 256 random bits. Name and secret of the user follow from it and from the store's password, so that
 *  whoever learns only one of the two has neither name nor secret. Another password makes another user; the same two
 *  make the same user.
 *  @returns null when the store is no MinIO, or these are not an administrator's keys.
 *  @throws RaptError as the store does. */
export async function ensureLender(admin: StoreOptions, secret: string): Promise<Lending | null> {
  const keys = lenderOf(admin, secret);
  const { accessKey, secretKey } = keys;
  const policy = JSON.stringify(lenderPolicy(admin.bucket));
  const user = sealForAdmin(admin.secretKey, Buffer.from(JSON.stringify({ secretKey, status: 'enabled' })));
  const has = { policyName: accessKey, userOrGroup: accessKey, isGroup: 'false' };
  const administration = new Administration(admin, keys);
  const made = await administration.during('making a user for', async () => {
    if (!(await administration.done('PUT', 'add-canned-policy', { name: accessKey }, policy))) return false;
    if (!(await administration.done('PUT', 'add-user', { accessKey }, user))) return false;
    return administration.done('PUT', 'set-user-or-group-policy', has);
  });
  if (!made) return null;
  const { earlier, ofEarlierVersions, ofOthers } = await findLenders(admin, secret);
  const ended = [...earlier, ...ofEarlierVersions];
  for (const name of ended) await administration.remove(name);
  return { keys, ended, ofOthers };
}

/** Looks who lends keys to the bucket; changes nothing. @param secret as `ensureLender`; null for whoever is no issuer.
 *  @throws RaptError accessDenied when these are not an administrator's keys, and as the store does. */
export async function findLenders(admin: StoreOptions, secret: string | null): Promise<Lenders> {
  const names = await new Administration(admin).lenders();
  const own = secret === null ? null : lenderOf(admin, secret).accessKey;
  const ofThisIssuer = secret === null ? [] : names.filter((name) => name.startsWith(prefixOf(secret)));
  const ofEarlierVersions = names.filter((name) => OF_EARLIER_VERSIONS.test(name));
  return {
    own: own !== null && names.includes(own) ? own : null,
    earlier: ofThisIssuer.filter((name) => name !== own),
    ofEarlierVersions,
    ofOthers: names.filter((name) => !ofThisIssuer.includes(name) && !ofEarlierVersions.includes(name)),
  };
}

/** Removes a lender; what was lent in its name ends with it.
 *  @throws RaptError notFound when the user is no lender to this bucket, and as `findLenders`. */
export async function removeLender(admin: StoreOptions, name: string): Promise<void> {
  const administration = new Administration(admin);
  if (!(await administration.lenders()).includes(name))
    throw new RaptError(
      ErrorKind.notFound,
      `${name} is no user of Rapt's that lends keys to the bucket ${admin.bucket}`,
    );
  await administration.remove(name);
}

const LENDER = /^rapt-lender-[0-9a-f]{8}-[0-9a-f]{12}$/;
const OF_EARLIER_VERSIONS = /^rapt-[0-9a-f]{12}$/;

const derive = (secret: string, ...of: readonly string[]): string =>
  createHmac('sha256', secret).update(JSON.stringify(of)).digest('hex');

/** The beginning of all names that an issuer's lenders ever have. */
const prefixOf = (secret: string): string => `rapt-lender-${derive(secret, 'issuer').slice(0, 8)}-`;

function lenderOf({ bucket, secretKey: password }: StoreOptions, secret: string): StoreKeys {
  const accessKey = prefixOf(secret) + derive(secret, 'name', bucket, password).slice(0, 12);
  return { accessKey, secretKey: derive(secret, 'secret', bucket, password).slice(0, 40) };
}

const placeOf = (path: string) => ({ bucketName: 'minio', objectName: `admin/v3/${path}` });

const policiesSchema = z.record(z.string(), z.unknown());

/** MinIO's own interface for users and policies. */
class Administration {
  readonly #bucket: string;
  readonly #connection: StoreConnection;
  readonly #secrets: readonly string[];

  /** @param lender keys that must not get into a message either. */
  constructor(admin: StoreOptions, lender: StoreKeys | null = null) {
    this.#bucket = admin.bucket;
    this.#connection = new StoreConnection(admin);
    this.#secrets = lender === null ? [] : [lender.accessKey, lender.secretKey];
  }

  /** @throws RaptError that says what was being done to the bucket. */
  async during<T>(doing: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      const { endpoint, secrets } = this.#connection;
      const hidden = [...secrets, ...this.#secrets];
      throw describeFailure(doing, error, { endpoint, bucket: this.#bucket, secrets: hidden, keysAreGiven: false });
    }
  }

  /** Whether the store did what the request asks; false when it offers no such thing, or not with these keys. */
  async done(...request: Parameters<Administration['status']>): Promise<boolean> {
    return (await this.status(...request)) === OK;
  }

  async status(
    method: string,
    path: string,
    query: Record<string, string>,
    body: Buffer | string = '',
  ): Promise<number> {
    const { client, region } = this.#connection;
    const request = { method, ...placeOf(path), query: new URLSearchParams(query).toString() };
    const send = () => client.makeRequestAsyncOmit(request, body, [OK, ...NOT_DONE], region);
    return (await this.#connection.send(send)).statusCode ?? 0;
  }

  /** Users of Rapt's that lend keys to this bucket. Each has a policy of its own name and no other right, so that the
   *  list of policies tells who they are. */
  async lenders(): Promise<string[]> {
    return this.during('looking for who lends keys to', async () => {
      const { client, region } = this.#connection;
      const request = { method: 'GET', ...placeOf('list-canned-policies') };
      const reply = await this.#connection.send(async () =>
        text(await client.makeRequestAsync(request, '', [OK], region)),
      );
      const policies = Object.entries(policiesSchema.parse(JSON.parse(reply)));
      const isNamedSo = (name: string): boolean => LENDER.test(name) || OF_EARLIER_VERSIONS.test(name);
      return policies
        .flatMap(([name, policy]) => (isNamedSo(name) && isLenderPolicy(policy, this.#bucket) ? [name] : []))
        .sort();
    });
  }

  /** Removes a user and its policy. MinIO refuses to remove a policy that somebody has, so the user goes first. If this
   *  is interrupted, the policy is left, by which the next call finds the user's name. */
  async remove(name: string): Promise<void> {
    await this.during(`removing the user ${name} of`, async () => {
      const status = await this.status('DELETE', 'remove-user', { accessKey: name });
      const userIsGone = status === OK || status === NOT_FOUND;
      if (userIsGone && (await this.done('DELETE', 'remove-canned-policy', { name }))) return;
      const problem = `the user ${name} cannot be removed from the object store with these keys (status ${status})`;
      throw new RaptError(
        ErrorKind.accessDenied,
        `${problem}; have its administrator do it: \`mc admin user remove ALIAS ${name}\``,
      );
    });
  }
}

const SALT_BYTES = 32;
const NONCE_BYTES = 8;
const PBKDF2_ROUNDS = 8192;
/** MinIO's number for PBKDF2 with AES-256-GCM. */
const CIPHER_ID = 2;

/** Encrypts as MinIO's administration wants it: salt, cipher, nonce, and one block of a stream whose every block is
 *  bound to its place and to whether it is the last. https://pkg.go.dev/github.com/minio/madmin-go/v3#EncryptData,
 *  https://github.com/secure-io/sio-go
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
