/** For the client worker of the leak hunt, by NODE_OPTIONS=--import: writes down every point that the laplace mechanism looks up, with the token it is
 *  drawn around. In any other process it does nothing. */
import { appendFileSync } from 'node:fs';

const file = process.env.RAPT_TEST_NOISY_POINTS;
if (file !== undefined && process.argv[2] === 'worker' && process.argv[3] === 'client') {
  const { register } = await import('tsx/esm/api');
  register();
  const { LaplaceSampler } = await import('../../rapt/privacy/laplace.ts');
  const { OutputGeometry } = await import('../../rapt/privacy/geometry.ts');
  const { privatize } = LaplaceSampler.prototype;
  const { nearest } = OutputGeometry.prototype;
  /** Ids that the mechanism is given, while it is at work. */
  let ids = null;
  let done = 0;
  LaplaceSampler.prototype.privatize = function (given) {
    [ids, done] = [given, 0];
    try {
      return privatize.call(this, given);
    } finally {
      ids = null;
    }
  };
  OutputGeometry.prototype.nearest = function (queries) {
    if (ids !== null) {
      const { dimensions } = this.table;
      for (let at = 0; at < queries.length; at += dimensions)
        appendFileSync(file, Float64Array.of(ids[done++], ...queries.subarray(at, at + dimensions)));
    }
    return nearest.call(this, queries);
  };
}
