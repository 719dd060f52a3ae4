/** The data owner's tables that lie in S3, read with the settings that AWS's programs, DuckDB and pandas know. These
 *  settings differ from those of the store that Rapt shares with the provider, who must not be able to read the
 *  tables. */
import { BadInput } from '../contracts/index.ts';
import { addTableSource, type TableSource } from '../rapt/data/index.ts';
import { BucketReader, type ObjectPlace } from '../storage/index.ts';
import { setting } from '../system/index.ts';
import { secret } from './secrets.ts';

const AWS = 'https://s3.amazonaws.com';
const BUCKET_WITH_SPLIT = /^s3:\/\/[^/#]+#/i;

/** Lets tables be named "s3://bucket/key" from now on. The settings are read with the first such table. */
export function readTablesFromS3(env: NodeJS.ProcessEnv = process.env): void {
  let reader: BucketReader | null = null;
  addTableSource(
    's3',
    tablesOf(() => (reader ??= openReader(env))),
  );
}

function tablesOf(reader: () => BucketReader): TableSource {
  return {
    async stat(address) {
      // No bucket's name holds a "#": what follows one here is the name of a split.
      if (BUCKET_WITH_SPLIT.test(address)) return null;
      const place = parse(address);
      const object = place.key === '' || place.key.endsWith('/') ? null : await reader().stat(place);
      if (object !== null) return { kind: 'file', sizeBytes: object.sizeBytes, version: object.etag };
      const inside = await reader().list({ ...place, key: folderKey(place.key) }, 1);
      return inside.length === 0 ? null : { kind: 'folder', sizeBytes: 0, version: '' };
    },
    read: (address, range) =>
      reader().read(parse(address), range && { start: range.start, end: range.end, etag: range.version }),
    async list(folder) {
      const { bucket, key } = parse(folder);
      return (await reader().list({ bucket, key: folderKey(key) }))
        .filter((name) => !name.endsWith('/'))
        .map((name) => `s3://${bucket}/${name}`);
    },
  };
}

const folderKey = (key: string): string => (key === '' || key.endsWith('/') ? key : `${key}/`);

/** Takes an address apart. Keys are written as they are, not with percent signs, as in other programs. */
function parse(address: string): ObjectPlace {
  const [, bucket, key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(address) ?? [];
  if (bucket === undefined) throw new BadInput([{ where: address, problem: 'must have the form s3://bucket/key' }]);
  return { bucket, key };
}

function openReader(env: NodeJS.ProcessEnv): BucketReader {
  const accessKey = secret('AWS_ACCESS_KEY_ID', env);
  const secretKey = secret('AWS_SECRET_ACCESS_KEY', env);
  if ((accessKey === null) !== (secretKey === null)) {
    const [missing, other] =
      accessKey === null
        ? ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
        : ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'];
    throw new BadInput([{ where: missing, problem: `is needed with ${other}, to read a table from S3` }]);
  }
  const sessionToken = secret('AWS_SESSION_TOKEN', env);
  return new BucketReader({
    endpoint: setting('AWS_ENDPOINT_URL_S3', env) ?? setting('AWS_ENDPOINT_URL', env) ?? AWS,
    region: setting('AWS_REGION', env) ?? setting('AWS_DEFAULT_REGION', env),
    // Without keys requests are not signed, which is how public buckets are read.
    accessKey: accessKey ?? '',
    secretKey: secretKey ?? '',
    ...(sessionToken === null ? {} : { sessionToken }),
  });
}
