/** Names that lead to no file that can be read: one sentence each, and nothing that waits. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BadInput } from '../../../contracts/index.ts';
import { hashTable, readTable, surveyTable } from '../../../rapt/data/index.ts';
import { sourceOf } from '../../../rapt/data/source.ts';
import { unreadable } from '../../../system/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const home = temporaryFolder();
const TABLE = 'text,label\na,x\nb,y\n';

/** What a reader, a survey and a digest of a table say, where all of them say the same. */
async function refusal(address: string): Promise<string> {
  const first = async (): Promise<void> => {
    for await (const _row of readTable(address, { text: 'text' })) return;
  };
  const told = new Set<string>();
  for (const attempt of [first, () => surveyTable(address), () => hashTable(address)])
    await assert.rejects(attempt(), (error: unknown) => {
      assert.ok(error instanceof BadInput, String(error));
      return told.add(error.message).size === 1;
    });
  return [...told].join('\n');
}

describe('a name of a table', () => {
  it('may be a link, and is told where that leads nowhere or back to itself', async () => {
    writeFileSync(join(home, 'there.csv'), TABLE);
    symlinkSync('there.csv', join(home, 'link.csv'));
    assert.equal((await surveyTable(join(home, 'link.csv'))).rows, 2);
    symlinkSync('gone.csv', join(home, 'dangling.csv'));
    assert.equal(
      await refusal(join(home, 'dangling.csv')),
      `${join(home, 'dangling.csv')}: is a link to gone.csv, which is not there; ` +
        'fetch or write that again, or remove the link',
    );
    symlinkSync('loop.csv', join(home, 'loop.csv'));
    assert.equal(
      await refusal(join(home, 'loop.csv')),
      `${join(home, 'loop.csv')}: is a symbolic link that leads back to itself; give the path of the file`,
    );
  });

  it('is one sentence where it is too long, or lies below a file', async () => {
    assert.match(
      await refusal(join(home, `${'n'.repeat(300)}.csv`)),
      /\.csv: has a name that is too long for the file system; correct it$/,
    );
    writeFileSync(join(home, 'file'), TABLE);
    assert.match(
      await refusal(join(home, 'file', 'table.csv')),
      /table\.csv: does not exist on the machine of the client worker; give the path of a table there$/,
    );
  });

  it('of a pipe, a socket or a device is refused before it is opened', async () => {
    const pipe = join(home, 'pipe.csv');
    execFileSync('mkfifo', [pipe]);
    assert.equal(await refusal(pipe), `${pipe}: is a pipe, and tables are read more than once; save it as a file`);
    assert.equal(
      await refusal('/dev/null'),
      '/dev/null: is a device, and tables are read more than once; save it as a file',
    );
    const server = createServer().listen(join(home, 'socket'));
    await once(server, 'listening');
    try {
      assert.match(await refusal(join(home, 'socket')), /socket: is a socket, and tables are read more than once/);
    } finally {
      server.close();
    }
  });
});

describe("a data set's folder", () => {
  it('is refused by the name of what cannot be read in it', async () => {
    const folder = join(home, 'dataset');
    mkdirSync(join(folder, 'inner'), { recursive: true });
    writeFileSync(join(folder, 'train-0.csv'), TABLE);
    symlinkSync('/nowhere/blob', join(folder, 'train-1.csv'));
    symlinkSync('inner', join(folder, 'test.csv'));
    execFileSync('mkfifo', [join(folder, 'dev.csv')]);
    await assert.rejects(surveyTable(folder), {
      message:
        `${join(folder, 'train-1.csv')}: is a link to /nowhere/blob, which is not there; ` +
        'fetch or write that again, or remove the link',
    });
    assert.equal(await refusal(`${folder}#test`), `${join(folder, 'test.csv')}: is a folder, and a file is needed`);
    assert.match(await refusal(`${folder}#validation`), /dev\.csv: is a pipe, and tables/);
  });
});

describe('an error of the file system', () => {
  it('is a sentence where its user can mend it, and stays as it is where not', async () => {
    const failing = (code: string, syscall?: string): Error =>
      Object.assign(new Error('planted'), { code, ...(syscall !== undefined && { syscall }) });
    assert.equal(
      (unreadable('/a.csv', failing('EACCES', 'open')) as Error).message,
      '/a.csv: cannot be read by the user that Rapt runs as; check its permissions',
    );
    for (const other of [failing('EIO', 'read'), failing('EMFILE', 'open'), failing('EACCES'), new Error('other')])
      assert.equal(unreadable('/a.csv', other), other);
    // Gone after it was found.
    await assert.rejects(sourceOf(home).list(join(home, 'none')), {
      message: `${join(home, 'none')}: is not there any more; look whether it was moved or removed`,
    });
  });
});
