/** What a command prints: results to stdout, and what it says on the way to them to stderr. */
import { stripVTControlCharacters } from 'node:util';
import colors from 'picocolors';

/** Colours. A stream that is no terminal drops them. */
export const { bold, dim, green, red, yellow } = colors.createColors((process.env['NO_COLOR'] ?? '') === '');

export const say = (line: string): void => writeLine(process.stderr, line);
export const print = (line: string): void => writeLine(process.stdout, line);

function writeLine(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${stream.isTTY ? line : stripVTControlCharacters(line)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** Rows of equal columns, padded to the widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Shares, as reports write them. */
export { percent, percentIfTold } from '../../rapt/report/index.ts';

/** "45 s", "12 min", "3 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** To the minute, in UTC. */
export const timeOf = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A share drawn by block characters, padded to the width. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return ('█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!).padEnd(width, '·');
}
