import type { EChartsCoreOption } from 'echarts/core';
import { Markup } from '../html.ts';
import { count } from '../words.ts';
import { AXIS_TEXT, drawing, INK, textStyle } from './svg.ts';

/** Above so many classes a cell has no room for its count; the table below the drawing has them all. */
const MOST_COUNTED_CLASSES = 16;
/** Above so many classes not every name has room. */
const MOST_NAMED_CLASSES = 40;
const LONGEST_CLASS_NAME = 16;
/** Pixels that a letter of a class name takes, at most. */
const LETTER = 7;

/** Counts by true and predicted class; a cell's shade is its share of the row, so that classes of different size
 *  compare. */
export function confusionMatrix(
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
  label: string,
): Markup {
  const names = classes.map(shorten);
  const cell = cellSize(classes.length);
  const side = cell * classes.length;
  const margin = 40 + LETTER * Math.max(...names.map((name) => Array.from(name).length));
  const size = { width: margin + side + 12, height: side + margin + 12 };
  const axis = {
    type: 'category',
    data: names,
    splitArea: { show: false },
    axisTick: { show: false },
    axisLine: { show: false },
    nameLocation: 'middle',
    nameTextStyle: AXIS_TEXT,
  };
  const nameStyle = { ...textStyle(INK), interval: classes.length <= MOST_NAMED_CLASSES ? 0 : 'auto' };
  const options: EChartsCoreOption = {
    animation: false,
    grid: { left: margin, top: margin, width: side, height: side },
    xAxis: {
      ...axis,
      position: 'top',
      name: 'predicted',
      nameGap: margin - 18,
      axisLabel: { ...nameStyle, rotate: 90 },
    },
    yAxis: { ...axis, inverse: true, name: 'true', nameGap: margin - 14, axisLabel: nameStyle },
    series: [
      {
        type: 'custom',
        silent: true,
        data: confusion.flatMap((row, truth) =>
          row.map((value, predicted) => [predicted, truth, value, value / Math.max(1, total(row))]),
        ),
        renderItem: (_: unknown, api: CellApi) => drawCell(api, cell, classes.length <= MOST_COUNTED_CLASSES),
      },
    ],
  };
  return new Markup(drawing(options, size, 'confusion', label));
}

/** In pixels. */
function cellSize(classes: number): number {
  if (classes <= 4) return 76;
  return classes <= MOST_COUNTED_CLASSES ? 48 : Math.max(10, Math.floor(640 / classes));
}

/** A cell's values: predicted class, true class, count, share of the row. */
interface CellApi {
  value(dimension: 0 | 1 | 2 | 3): number;
  coord(point: number[]): number[];
}

function drawCell(api: CellApi, cell: number, isCounted: boolean): object {
  const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
  const isRight = api.value(0) === api.value(1);
  const square = {
    type: 'rect',
    shape: { x: x - cell / 2 + 1, y: y - cell / 2 + 1, width: cell - 2, height: cell - 2, r: Math.min(4, cell / 8) },
    style: { fill: isRight ? 'var(--right-cell)' : 'var(--wrong-cell)', opacity: 0.08 + 0.6 * api.value(3) },
  };
  const { fontSize, fontFamily } = textStyle(INK, cell > 60 ? 16 : 12);
  const counted = {
    type: 'text',
    x,
    y,
    style: {
      fontSize,
      fontFamily,
      fontWeight: 600,
      text: count(api.value(2)),
      fill: INK,
      align: 'center',
      verticalAlign: 'middle',
    },
  };
  return { type: 'group', children: isCounted ? [square, counted] : [square] };
}

const total = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);

function shorten(name: string): string {
  const letters = Array.from(name.replace(/\s+/g, ' '));
  return letters.length <= LONGEST_CLASS_NAME
    ? letters.join('')
    : `${letters.slice(0, LONGEST_CLASS_NAME - 1).join('')}…`;
}
