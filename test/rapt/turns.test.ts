import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { atOnce, inTurns, Turns, type Work } from '../../rapt/turns.ts';

/** Busy for so long. */
function stretch(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function* summing(to: number, ms: number, freed: string[]): Work<number> {
  try {
    let sum = 0;
    for (let term = 1; term <= to; term++) {
      stretch(ms);
      sum += term;
      yield;
    }
    return sum;
  } finally {
    freed.push('freed');
  }
}

describe('long work', () => {
  it('gives the same result at once and in turns', async () => {
    assert.equal(atOnce(summing(10, 0, [])), 55);
    assert.equal(await inTurns(summing(10, 0, [])), 55);
  });

  it('lets others have their turn between two stretches', async () => {
    let turns = 0;
    const state = { done: false };
    const others = (async () => {
      for (; !state.done; turns++) await nextTurn();
    })();
    assert.equal(await inTurns(summing(6, 60, [])), 21);
    state.done = true;
    await others;
    assert.ok(turns >= 6, `${turns} turns`);
  });

  it('ends at once when it is given up, and frees what it holds', async () => {
    const stop = new AbortController();
    const freed: string[] = [];
    setImmediate(() => stop.abort(new Error('cancelled')));
    await assert.rejects(inTurns(summing(1000, 60, freed), stop.signal), /cancelled/);
    assert.deepEqual(freed, ['freed']);
  });

  it('is not begun if it was given up before, however short it is', async () => {
    const freed: string[] = [];
    await assert.rejects(inTurns(summing(1, 0, freed), AbortSignal.abort(new Error('too late'))), /too late/);
    assert.deepEqual(freed, []);
  });

  it('gives as many turns as the clock says, and counts them', async () => {
    const turns = new Turns();
    await turns.next();
    assert.equal(turns.given, 0);
    stretch(60);
    assert.ok(turns.due);
    await turns.next();
    assert.equal(turns.given, 1);
    assert.ok(!turns.due);
    await assert.rejects(new Turns(AbortSignal.abort(new Error('too late'))).next(), /too late/);
  });
});
