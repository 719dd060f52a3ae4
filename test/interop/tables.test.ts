/** Tables written by the packages that people have, in the versions of today's pins: the same as those that are kept,
 *  written anew. */
import { join } from 'node:path';
import { before, describe } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { runPython } from '../support/python.ts';
import { testWrittenTables } from '../support/written-tables.ts';

const folder = join(temporaryFolder(), 'written');

describe('a table written just now', () => {
  before(() => runPython('../../fixtures/tables/make.py', { folder }), { timeout: 800_000 });
  testWrittenTables(() => folder);
});
