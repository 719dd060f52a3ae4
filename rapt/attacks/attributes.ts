/** Attribute inference: what the texts tell of their authors. The adversary knows an attribute for some of the texts.
 *  They train a classifier from the privatized form of these to the attribute, and are tested on the other texts. */
import type { AttributeResult, Rate } from '../../contracts/index.ts';
import { isHeldOut } from '../data/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Rank, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import { SuccessCounter } from './success.ts';

/** The presence of so many of the most frequent tokens is a feature each, beside the mean embedding. */
const WORD_FEATURES = 2000;
const STEPS = 150;
const LEARNING_RATE = 0.05;
/** L2 penalties that are tried. The one that does best on a validation split is taken. */
const PENALTIES = [1e-4, 1e-3, 1e-2] as const;
const TEST_SHARE = 0.3;
const VALIDATION_SHARE = 0.2;
/** An attribute with more values is not a class. */
const MOST_VALUES = 50;

export interface AttributeOptions {
  readonly table: EmbeddingTable;
  readonly plain: readonly Int32Array[];
  readonly released: readonly Int32Array[];
  readonly name: string;
  /** The value of each text; null for a text that has none. */
  readonly values: readonly (string | null)[];
}

/** Null when the attribute has only one value, or too many. @throws the reason of the turns' signal, when aborted. */
export async function attackAttribute(
  { table, plain, released, name, values }: AttributeOptions,
  turns = new Turns(),
): Promise<AttributeResult | null> {
  const known = values.flatMap((value, text) => (value === null ? [] : [text]));
  const classes = [...new Set(known.map((text) => values[text]!))].sort();
  if (classes.length < 2 || classes.length > MOST_VALUES) return null;
  const labels = Int32Array.from(known, (text) => classes.indexOf(values[text]!));
  const of = (texts: readonly Int32Array[]): Promise<Answer> =>
    features(
      table,
      known.map((text) => texts[text]!),
      turns,
    ).then((x) => classify(x, labels, classes.length, turns));
  const attack = await of(released);
  const plainly = await of(plain);
  return {
    attribute: name,
    values: classes.length,
    success: attack.rate,
    priorOnly: attack.majority,
    onPlainText: plainly.rate,
    n: attack.n,
  };
}

/** [texts, words + dimensions] */
async function features(table: EmbeddingTable, texts: readonly Int32Array[], turns: Turns): Promise<Tensor2D> {
  const counts = new Map<number, number>();
  for (const text of texts) for (const id of new Set(text)) counts.set(id, (counts.get(id) ?? 0) + 1);
  const words = new Map(
    [...counts]
      .sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, WORD_FEATURES)
      .map(([id], place) => [id, place]),
  );
  const width = words.size + table.dimensions;
  const rows = new Float32Array(texts.length * width);
  for (const [row, text] of texts.entries()) {
    const at = row * width;
    for (const id of text) {
      const place = words.get(id);
      if (place !== undefined) rows[at + place] = 1;
      for (let i = 0; i < table.dimensions; i++)
        rows[at + words.size + i]! += (table.values[id * table.dimensions + i]! * 10) / text.length;
    }
    await turns.next();
  }
  return tf.tensor2d(rows, [texts.length, width]);
}

interface Answer {
  readonly rate: Rate;
  readonly majority: Rate;
  readonly n: number;
}

async function classify(x: Tensor2D, labels: Int32Array, classes: number, turns: Turns): Promise<Answer> {
  try {
    return await classified(x, labels, classes, turns);
  } finally {
    x.dispose();
  }
}

async function classified(x: Tensor2D, labels: Int32Array, classes: number, turns: Turns): Promise<Answer> {
  const all = Array.from(labels.keys());
  const test = all.filter((row) => isHeldOut(row, TEST_SHARE));
  const rest = all.filter((row) => !isHeldOut(row, TEST_SHARE));
  const validation = rest.filter((row) => isHeldOut(row + labels.length, VALIDATION_SHARE));
  const train = rest.filter((row) => !isHeldOut(row + labels.length, VALIDATION_SHARE));
  let best: { readonly penalty: number; readonly accuracy: number } | null = null;
  for (const penalty of PENALTIES) {
    const accuracy = share(await fit(x, labels, classes, train, penalty, validation, turns), labels, validation);
    if (best === null || accuracy > best.accuracy) best = { penalty, accuracy };
  }
  const answers = await fit(x, labels, classes, rest, best!.penalty, test, turns);
  const counts = new Array<number>(classes).fill(0);
  for (const row of rest) counts[labels[row]!]!++;
  const most = counts.indexOf(Math.max(...counts));
  const success = new SuccessCounter();
  const majority = new SuccessCounter();
  test.forEach((row, at) => {
    success.add(answers[at] === labels[row] ? 1 : 0, 1);
    majority.add(labels[row] === most ? 1 : 0, 1);
  });
  return { rate: success.rate(), majority: majority.rate(), n: test.length };
}

const share = (answers: Int32Array, labels: Int32Array, rows: readonly number[]): number =>
  rows.filter((row, at) => answers[at] === labels[row]).length / Math.max(1, rows.length);

/** Softmax regression, trained by Adam on all rows at once. @returns the answers for the asked rows. */
async function fit(
  x: Tensor2D,
  labels: Int32Array,
  classes: number,
  rows: readonly number[],
  penalty: number,
  asked: readonly number[],
  turns: Turns,
): Promise<Int32Array> {
  const rowsOfX = (of: readonly number[]): Tensor2D =>
    tidy(() => tf.gather(x, tf.tensor1d(Int32Array.from(of), 'int32')));
  const inputs = rowsOfX(rows);
  const targets = tidy(() =>
    tf.oneHot(
      tf.tensor1d(
        Int32Array.from(rows, (row) => labels[row]!),
        'int32',
      ),
      classes,
    ),
  );
  const weight = tidy(() => tf.variable(tf.zeros<Rank.R2>([x.shape[1], classes])));
  const bias = tidy(() => tf.variable(tf.zeros([classes])));
  const optimizer = tf.train.adam(LEARNING_RATE);
  try {
    for (let step = 0; step < STEPS; step++) {
      optimizer.minimize(
        () =>
          tf.add(
            tf.losses.softmaxCrossEntropy(targets, tf.add(tf.matMul(inputs, weight), bias)),
            tf.mul(tf.sum(tf.square(weight)), penalty),
          ),
        false,
        [weight, bias],
      );
      await turns.next();
    }
    const answers = tidy(() => tf.argMax(tf.add(tf.matMul(rowsOfX(asked), weight), bias), 1));
    const values = Int32Array.from(answers.dataSync());
    answers.dispose();
    return values;
  } finally {
    for (const tensor of [inputs, targets, weight, bias]) tensor.dispose();
    optimizer.dispose();
  }
}
