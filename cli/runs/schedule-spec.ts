/** When a schedule starts its runs: "mon 03:00", "03:00", "7d" or a cron expression, in a time zone. */
import type { CalendarSpec, ScheduleSpec } from '@temporalio/client';
import { BadInput, type InputProblem } from '../../contracts/index.ts';

export interface WhenOptions {
  readonly weekly?: string;
  readonly daily?: string;
  readonly every?: string;
  readonly cron?: string;
  readonly timeZone?: string;
}

export interface When {
  readonly spec: ScheduleSpec;
  /** As a list shows it. */
  readonly words: string;
}

const DAYS = {
  mon: 'MONDAY',
  tue: 'TUESDAY',
  wed: 'WEDNESDAY',
  thu: 'THURSDAY',
  fri: 'FRIDAY',
  sat: 'SATURDAY',
  sun: 'SUNDAY',
} as const;
const WAYS = ['weekly', 'daily', 'every', 'cron'] as const;
/** With shorter intervals, one run would hardly end before the next is due. */
const LEAST_MINUTES = 10;
const UNIT_MINUTES = { m: 1, h: 60, d: 24 * 60 } as const;

/** @throws BadInput unless exactly one of the ways is given, and for a text that cannot be read. */
export function whenOf(options: WhenOptions): When {
  const given = WAYS.filter((way) => options[way] !== undefined);
  const [way] = given;
  if (way === undefined || given.length > 1)
    throw new BadInput([
      {
        where: 'rapt schedule create',
        problem: "say when by one of --weekly 'mon 03:00', --daily 03:00, --every 7d and --cron '0 3 * * 1'",
      },
    ]);
  const text = options[way]!.trim();
  const timezone = options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(timezone))
    throw new BadInput([
      { where: '--time-zone', problem: `"${timezone}" is no time zone; give one such as Europe/Berlin or UTC` },
    ]);
  if (way === 'every') {
    if (options.timeZone !== undefined)
      throw new BadInput([
        { where: '--time-zone', problem: 'has no meaning with --every, which counts from one start to the next' },
      ]);
    return { spec: { intervals: [{ every: intervalOf(text) }] }, words: `every ${text}` };
  }
  const spec = way === 'cron' ? { cronExpressions: [cronOf(text)] } : { calendars: [calendarOf(way, text)] };
  return { spec: { ...spec, timezone }, words: `${way} ${text}, ${timezone}` };
}

function calendarOf(way: 'weekly' | 'daily', text: string): CalendarSpec {
  const [, names = '', hour, minute] =
    (way === 'weekly' ? /^([a-z, ]+?)\s+(\d{1,2}):(\d{2})$/i : /^()(\d{1,2}):(\d{2})$/).exec(text) ?? [];
  const days = names
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().slice(0, 3));
  const known = way === 'daily' || days.every((day) => day in DAYS);
  if (hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59 || !known)
    throw new BadInput([
      wrong(
        way,
        text,
        way === 'weekly' ? "days and a time, such as 'mon 03:00' or 'mon,thu 18:30'" : 'a time, such as 03:00',
      ),
    ]);
  const at = { hour: Number(hour), minute: Number(minute) };
  return way === 'daily' ? at : { ...at, dayOfWeek: days.map((day) => DAYS[day as keyof typeof DAYS]) };
}

function intervalOf(text: string): number {
  const [, number, unit] = /^(\d+)\s*(m|h|d)$/.exec(text) ?? [];
  const minutes = Number(number) * UNIT_MINUTES[unit as keyof typeof UNIT_MINUTES];
  if (!(minutes >= LEAST_MINUTES))
    throw new BadInput([wrong('every', text, `a time of at least ${LEAST_MINUTES}m, such as 6h or 7d`)]);
  return minutes * 60_000;
}

/** The server checks the fields. */
function cronOf(text: string): string {
  if (text.split(/\s+/).length !== 5 && !text.startsWith('@'))
    throw new BadInput([wrong('cron', text, "minute, hour, day, month and weekday, such as '0 3 * * 1'")]);
  return text;
}

const wrong = (way: string, text: string, form: string): InputProblem => ({
  where: `--${way} ${text}`,
  problem: `must be ${form}`,
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
