// @ts-check
/** Shows how far each part is. On a terminal each part has a line that is drawn anew. In a log each change is a line of
 *  its own, and progress is told in a few steps. */

/** @import { WriteStream } from 'node:tty' */

const DRAW_MS = 200;
/** A log gets a line for each quarter. */
const LOG_STEPS = 4;
const TITLE_WIDTH = 36;

/** @typedef {'waiting' | 'working' | 'ready' | 'failed'} State */

/** @typedef {object} Row
 *  @property {string} title
 *  @property {State} state
 *  @property {string} text
 *  @property {number} startMs
 *  @property {number} endMs
 *  @property {number} told steps of its progress that were logged */

/** @typedef {Pick<WriteStream, 'write'> & { readonly isTTY?: boolean, readonly columns?: number }} Screen */

export class Progress {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #drawing;
  #drawn = 0;
  #screen;
  #now;

  /** @param {Screen} screen
   *  @param {() => number} [now] milliseconds */
  constructor(screen, now = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    // Some terminals cannot go back to a line.
    this.isTerminal = screen.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** @param {readonly { name: string, title: string }[]} parts
   *  @param {(name: string) => string} waitsFor why a part does not begin at once */
  begin(parts, waitsFor) {
    for (const { name, title } of parts) {
      this.#rows.set(name, { title, state: 'waiting', text: waitsFor(name), startMs: 0, endMs: 0, told: 0 });
    }
    if (!this.isTerminal) return;
    this.#draw();
    this.#drawing = setInterval(() => this.#draw(), DRAW_MS);
  }

  /** @param {string} name */
  start(name) {
    const row = this.#row(name);
    Object.assign(row, { state: 'working', text: '', startMs: this.#now() });
    this.#log(`${row.title} ...`);
  }

  /** @param {string} name
   *  @param {string} text
   *  @param {number} [share] */
  tell(name, text, share) {
    const row = this.#row(name);
    row.text = text;
    if (share === undefined) return;
    const step = Math.floor(share * LOG_STEPS);
    if (step <= row.told || step >= LOG_STEPS) return;
    row.told = step;
    this.#log(`${row.title}: ${text}, ${this.#seconds(row)} s`);
  }

  /** @param {string} name
   *  @param {string} [text] in place of how long it took */
  ready(name, text) {
    const row = this.#row(name);
    Object.assign(row, { state: 'ready', endMs: this.#now() });
    row.text = text ?? 'ready';
    this.#log(`${row.title}: ${row.text} after ${this.#seconds(row)} s`);
  }

  /** @param {string} name
   *  @param {string} why */
  failed(name, why) {
    const row = this.#row(name);
    Object.assign(row, { state: 'failed', text: why, endMs: this.#now() });
    this.#log(`${row.title}: ${why}`);
  }

  end() {
    clearInterval(this.#drawing);
    if (this.isTerminal) this.#draw();
  }

  /** @param {string} name
   *  @returns {Row} */
  #row(name) {
    const row = this.#rows.get(name);
    if (row === undefined) throw new Error(`there is no part ${name}`);
    return row;
  }

  /** @param {Row} row */
  #seconds(row) {
    const until = row.state === 'working' ? this.#now() : row.endMs;
    return Math.round((until - row.startMs) / 1000);
  }

  /** @param {string} line */
  #log(line) {
    if (!this.isTerminal) this.#screen.write(`set-up: ${line}\n`);
  }

  #draw() {
    const lines = [...this.#rows.values()].map((row) => this.#line(row));
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`;
    this.#screen.write(up + lines.map((line) => `\x1b[2K${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  /** @param {Row} row
   *  @returns {string} */
  #line(row) {
    const mark = { waiting: '·', working: '»', ready: '✓', failed: '✗' }[row.state];
    const time = row.state === 'waiting' || row.startMs === 0 ? '' : `  ${this.#seconds(row)} s`;
    const title = row.title.padEnd(TITLE_WIDTH);
    const room = Math.max(20, (this.#screen.columns ?? 80) - 1);
    // Cut off, since a wrapped line could not be drawn anew.
    return `${mark} ${title} ${row.text}${time}`.slice(0, room);
  }
}
