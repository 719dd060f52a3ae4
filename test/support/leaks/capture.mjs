/** For the client worker of the leak hunt, by NODE_OPTIONS=--import: writes down every point that the laplace mechanism
 *  looks up, with the token it is drawn around. In any other process it does nothing. */
import { appendFileSync } from 'node:fs';

const file = process.env.RAPT_TEST_NOISY_POINTS;
if (file !== undefined && process.argv[2] === 'worker' && process.argv[3] === 'client') {
  const { register } = await import('tsx/esm/api');
  register();
  const { LaplaceSampler } = await import('../../../rapt/privacy/laplace.ts');
  const { OutputGeometry } = await import('../../../rapt/privacy/geometry.ts');
  const { privatizing } = LaplaceSampler.prototype;
  const { nearest } = OutputGeometry.prototype;
  /** Ids that the mechanism is given whose stretch of work is under way, and how many of them were looked up. */
  let current = null;
  LaplaceSampler.prototype.privatizing = function* (ids) {
    const own = { ids, done: 0 };
    const work = privatizing.call(this, ids);
    try {
      for (;;) {
        current = own;
        const step = work.next();
        current = null;
        if (step.done) return step.value;
        yield;
      }
    } finally {
      current = null;
      work.return();
    }
  };
  OutputGeometry.prototype.nearest = function (queries) {
    if (current !== null) {
      const { dimensions } = this.table;
      for (let at = 0; at < queries.length; at += dimensions)
        appendFileSync(file, Float64Array.of(current.ids[current.done++], ...queries.subarray(at, at + dimensions)));
    }
    return nearest.call(this, queries);
  };
}
