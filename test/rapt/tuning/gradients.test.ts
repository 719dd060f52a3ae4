import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { layOut } from '../../../rapt/tuning/examples.ts';
import { jointLoss } from '../../../rapt/tuning/joint-loss.ts';
import { PARAMETER, type Parameters } from '../../../rapt/tuning/index.ts';
import { sized } from '../../support/size.ts';
import { firstParameters, options, tinyExamples, tinySetup } from './fixtures.ts';

const { encoder, frame, remove } = tinySetup();
after(remove);

/** Five-point differences in single precision: truncation of the order STEP^4, rounding of the order 1e-6 / STEP. */
const STEP = 2e-2;
const ABSOLUTE_TOLERANCE = 2e-4;
const RELATIVE_TOLERANCE = 2e-2;
const WEIGHT = 0.7;
/** Of each tensor of weights. */
const PLACES = sized(4, 24);

for (const method of ['prefix', 'prompt'] as const)
  for (const [pair, pooling] of [
    [false, 'mean'],
    [true, 'mean'],
    [true, 'pooler'],
  ] as const) {
    const inputs = `${pair ? 'text pairs' : 'single texts'}, pooling ${pooling}`;
    test(`the gradients of a ${method} and both heads are those of finite differences, ${inputs}`, async () => {
      const tuning = options({
        method,
        length: 4,
        reconstruction: { bottleneck: 5, vocabularySize: 12, plainTokens: 3 },
      });
      const batch = layOut(tinyExamples(6, { pair }), Int32Array.from([0, 1, 2, 3, 4, 5]), frame);
      // Larger than the initial values, so that no gradient is small by accident.
      const parameters = enlarged(firstParameters(encoder, tuning));
      const lossAt = async (): Promise<number> =>
        (await jointLoss(encoder, parameters, batch, method, WEIGHT, { pooling })).loss.loss;
      const { gradients } = await jointLoss(encoder, parameters, batch, method, WEIGHT, { pooling });

      assert.deepEqual(Object.keys(gradients).sort(), Object.values(PARAMETER).sort());
      for (const [name, { values: gradient }] of Object.entries(gradients)) {
        const weights = parameters[name]!.values;
        assert.ok(
          gradient.some((value) => Math.abs(value) > 1e-3),
          `the gradient of ${name} is zero`,
        );
        const places = [...gradient.keys()].filter((place) => place % Math.ceil(gradient.length / PLACES) === 0);
        for (const place of places) {
          const value = weights[place]!;
          const at = async (steps: number): Promise<number> => {
            weights[place] = value + steps * STEP;
            return lossAt();
          };
          const difference = (8 * (await at(1)) - 8 * (await at(-1)) - (await at(2)) + (await at(-2))) / (12 * STEP);
          weights[place] = value;
          const tolerance = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * Math.abs(difference);
          assert.ok(
            Math.abs(gradient[place]! - difference) <= tolerance,
            `${name}[${place}]: ${gradient[place]!} against ${difference}`,
          );
        }
      }
    });
  }

test('a batch gives the loss and gradients of its rows one by one, so padding changes nothing', async () => {
  const tuning = options({
    method: 'prefix',
    length: 3,
    reconstruction: { bottleneck: 5, vocabularySize: 12, plainTokens: 3 },
  });
  const examples = tinyExamples(4);
  const parameters = enlarged(firstParameters(encoder, tuning));
  const lossOf = async (rows: number[]) =>
    jointLoss(encoder, parameters, layOut(examples, Int32Array.from(rows), frame), 'prefix', WEIGHT);
  const together = await lossOf([0, 1, 2, 3]);
  const alone = await Promise.all([0, 1, 2, 3].map((row) => lossOf([row])));
  assert.ok(Math.abs(together.loss.loss - alone.reduce((sum, { loss }) => sum + loss.loss, 0) / 4) < 1e-5);
  for (const [name, { values }] of Object.entries(together.gradients))
    values.forEach((value, place) => {
      const mean = alone.reduce((sum, { gradients }) => sum + gradients[name]!.values[place]!, 0) / 4;
      assert.ok(Math.abs(value - mean) < 1e-5, `${name}[${place}]: ${value} against ${mean}`);
    });
});

test('the weight of the reconstruction scales its part of the loss and of the gradients', async () => {
  const tuning = options({
    method: 'prompt',
    length: 3,
    reconstruction: { bottleneck: 5, vocabularySize: 12, plainTokens: 3 },
  });
  const batch = layOut(tinyExamples(5), Int32Array.from([0, 1, 2, 3, 4]), frame);
  const parameters = enlarged(firstParameters(encoder, tuning));
  const at = (weight: number) => jointLoss(encoder, parameters, batch, 'prompt', weight);
  const [none, once, twice] = [await at(0), await at(1), await at(2)];
  assert.equal(none.loss.loss, none.loss.taskLoss);
  assert.ok(Math.abs(twice.loss.loss - (once.loss.taskLoss + 2 * once.loss.reconstructionLoss)) < 1e-6);
  assert.ok(none.gradients[PARAMETER.reconstructionW1]!.values.every((value) => value === 0));
  const prompt = (result: typeof none): Float32Array => result.gradients[PARAMETER.virtualTokens]!.values;
  prompt(none).forEach((value, place) =>
    assert.ok(Math.abs(prompt(twice)[place]! - value - 2 * (prompt(once)[place]! - value)) < 1e-5, `prompt[${place}]`),
  );
});

function enlarged(parameters: Parameters): Parameters {
  for (const { values } of Object.values(parameters)) values.forEach((value, place) => (values[place] = value * 8));
  return parameters;
}
