/** A CSV of the awkward sort, made of real sentences: three classes, quotes, commas, newlines in fields, emoji, empty
 *  rows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../rapt/cache.ts';

/** Stands in many of the texts, and nowhere else. */
export const PLANTED = 'Xqzvplanted';

export const COLUMNS = { text: 'Was der Kunde schrieb', label: 'Sterne, grob' } as const;

export function sentences(): { text: string; label: string }[] {
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => {
    const [text, label] = line.split('\t') as [string, string];
    return { text, label };
  });
}

/** A TSV of so many sentences. */
export function writeSentences(file: string, from: number, rows: number): void {
  const lines = sentences().slice(from, from + rows);
  writeFileSync(file, `text\tlabel\n${lines.map(({ text, label }) => `${text}\t${label}`).join('\n')}\n`);
}

/** @returns the number of rows that hold a text. */
export function writeReviews(file: string, rows: number): number {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const table = sentences()
    .slice(0, rows)
    .map(({ text, label }, index) => {
      const odd = [
        `${text} 🙂 ${PLANTED}${index}`,
        `"${text}", they said`,
        `${text}\nAnd that, dear reader, is all.`,
        `${text} ${PLANTED}`,
      ][index % 4]!;
      const empty = index % 25 === 24 ? '\r\n,,\r\n' : '';
      return `${index},${quoted(odd)},${quoted(text.length < 70 ? 'short' : label)}\r\n${empty}`;
    });
  writeFileSync(file, `id,${quoted(COLUMNS.text)},${quoted(COLUMNS.label)}\r\n${table.join('')}`);
  return rows;
}
