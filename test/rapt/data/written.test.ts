import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testWrittenTables } from '../../support/written-tables.ts';

describe('a table that pandas 3.1, Polars 2.1 or pyarrow 26.0 wrote', () => {
  testWrittenTables(() => fileURLToPath(new URL('../../fixtures/tables/files', import.meta.url)));
});
