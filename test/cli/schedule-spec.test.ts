import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenOf } from '../../cli/runs/schedule-spec.ts';

const timeZone = 'Europe/Berlin';

test('times are said by the week, the day, an interval or a cron expression', () => {
  assert.deepEqual(whenOf({ weekly: 'mon, Thursday 03:05', timeZone }), {
    spec: { calendars: [{ hour: 3, minute: 5, dayOfWeek: ['MONDAY', 'THURSDAY'] }], timezone: timeZone },
    words: 'weekly mon, Thursday 03:05, Europe/Berlin',
  });
  assert.deepEqual(whenOf({ daily: '18:30', timeZone }).spec, {
    calendars: [{ hour: 18, minute: 30 }],
    timezone: timeZone,
  });
  assert.deepEqual(whenOf({ every: '7d' }), {
    spec: { intervals: [{ every: 7 * 24 * 3_600_000 }] },
    words: 'every 7d',
  });
  assert.deepEqual(whenOf({ cron: '0 3 * * 1', timeZone: 'UTC' }).spec, {
    cronExpressions: ['0 3 * * 1'],
    timezone: 'UTC',
  });
});

test("without a time zone it is this machine's", () => {
  assert.equal(whenOf({ daily: '03:00' }).spec.timezone, Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test('what cannot be read is refused with an example', () => {
  assert.throws(() => whenOf({}), /say when by one of --weekly/);
  assert.throws(() => whenOf({ daily: '03:00', every: '7d' }), /say when by one of/);
  assert.throws(
    () => whenOf({ weekly: 'someday 03:00' }),
    /--weekly someday 03:00: must be days and a time, such as 'mon 03:00'/,
  );
  assert.throws(() => whenOf({ daily: '24:00' }), /--daily 24:00: must be a time, such as 03:00/);
  assert.throws(() => whenOf({ every: '5m' }), /at least 10m/);
  assert.throws(() => whenOf({ cron: '0 3 * *' }), /minute, hour, day, month and weekday/);
  assert.throws(() => whenOf({ daily: '03:00', timeZone: 'Nowhere' }), /"Nowhere" is no time zone/);
  assert.throws(() => whenOf({ every: '7d', timeZone }), /has no meaning with --every/);
});
