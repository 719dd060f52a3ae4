import type { CurvePoint, LossPoint } from '../../contracts/index.ts';

/** At most `most` points, each the mean of neighbouring ones and placed at the last of them. */
export function sparseCurve(history: readonly LossPoint[], most: number): CurvePoint[] {
  const together = Math.ceil(history.length / most);
  const groups = Array.from({ length: Math.ceil(history.length / together) || 0 }, (_, group) =>
    history.slice(group * together, (group + 1) * together),
  );
  return groups.map((points) => ({
    step: points.at(-1)!.step,
    loss: rounded(mean(points.map(({ loss }) => loss))),
    accuracy: rounded(mean(points.map(({ accuracy }) => accuracy))),
  }));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** More digits than a drawing shows would only lengthen the result. */
const rounded = (value: number): number => Number(value.toPrecision(4));
