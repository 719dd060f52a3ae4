/** What the runs of single files come to: counts, what failed, what was slow. */

/** One of node:test's events, as far as it is looked at here. */
export interface Event {
  readonly type: string;
  readonly data: {
    readonly file?: string;
    readonly name?: string;
    readonly nesting?: number;
    readonly message?: string;
    readonly skip?: boolean | string;
    readonly todo?: boolean | string;
    readonly details?: { readonly duration_ms?: number; readonly type?: string };
    readonly [other: string]: unknown;
  };
}

const SHOWN = 10;
/** Of the output of a file that failed, its end is shown once more. */
const LINES_SAID = 60;
/** What node:test tells of a run, each by a line of its own, as "pass 12". */
const COUNTS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;
const COUNT = new RegExp(`^(${COUNTS.join('|')}) (\\d+)$`);

interface Timed {
  readonly name: string;
  readonly seconds: number;
}

export class Outcome {
  private readonly began = performance.now();
  private readonly counts = new Map<string, number>(COUNTS.map((name) => [name, 0]));
  private readonly files: Timed[] = [];
  private readonly tests: Timed[] = [];
  private readonly notRun: string[] = [];
  /** What files said in which a test failed. */
  private readonly saidByFailed: string[] = [];

  /** Counts a file in. @returns its events without those that sum it up. */
  add(file: string, seconds: number, events: readonly Event[]): Event[] {
    this.files.push({ name: file, seconds });
    for (const { type, data } of events)
      if ((type === 'test:pass' || type === 'test:fail') && data.details?.type !== 'suite')
        this.tests.push({ name: `${file}: ${data.name}`, seconds: (data.details?.duration_ms ?? 0) / 1000 });
    for (const { type, data } of events)
      if (type === 'test:pass' && (data.skip !== undefined || data.todo !== undefined))
        this.notRun.push(`${file}: ${data.name}`);
    const said = events
      .flatMap(({ type, data }) => (type === 'test:stdout' || type === 'test:stderr' ? [data.message ?? ''] : []))
      .join('')
      .trimEnd();
    if (said !== '' && events.some(({ type }) => type === 'test:fail'))
      this.saidByFailed.push(`${file} said:\n${said.split('\n').slice(-LINES_SAID).join('\n')}`);
    const own: Event[] = [];
    for (const event of events) {
      const [, name, count] =
        (event.type === 'test:diagnostic' && event.data.nesting === 0 && COUNT.exec(event.data.message ?? '')) || [];
      if (name !== undefined) this.counts.set(name, this.counts.get(name)! + Number(count));
      else if (event.type !== 'test:summary' && !event.data.message?.startsWith('duration_ms ')) own.push(event);
    }
    return own;
  }

  /** Whether all tests passed and none was left out. */
  get good(): boolean {
    return (
      this.counts.get('tests')! > 0 &&
      ['fail', 'cancelled', 'skipped', 'todo'].every((name) => this.counts.get(name) === 0)
    );
  }

  /** The slowest files and tests, the output of failed files, and what was not executed. */
  inWords(): string {
    const list = (title: string, timed: readonly Timed[]): string =>
      [
        title,
        ...timed
          .toSorted((a, b) => b.seconds - a.seconds)
          .slice(0, SHOWN)
          .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`),
      ].join('\n');
    return [
      list('slowest files', this.files),
      list('slowest tests', this.tests),
      ...this.saidByFailed,
      ...this.notRun.map((name) => `not executed: ${name}`),
    ].join('\n\n');
  }

  /** Ends the report as node:test ends its own: counts, then what failed. */
  closing(): Event[] {
    const durationMs = performance.now() - this.began;
    const told = [...this.counts].map(([name, count]) => `${name} ${count}`);
    const lines = [`files ${this.files.length}`, ...told, `minutes ${(durationMs / 60_000).toFixed(1)}`];
    return [
      ...lines.map((message) => ({ type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } })),
      {
        type: 'test:summary',
        data: { success: this.good, counts: Object.fromEntries(this.counts), duration_ms: durationMs },
      },
    ];
  }
}
