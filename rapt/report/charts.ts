/** Drawings made on the server as SVG text. Colours are CSS variables of the page, so that one drawing serves light,
 *  dark and print. */
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { LossPoint } from '../../contracts/index.ts';
import { count, percent } from './format.ts';
import { Markup, escapeHtml } from './html.ts';

use([CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
export const LINE = 'var(--line)';
export const FIRST = 'var(--first)';
export const SECOND = 'var(--second)';
export const FONT = 'system-ui, sans-serif';

/** Above so many classes a cell has no room for its count; the table below the drawing has them all. */
const MOST_COUNTED_CLASSES = 16;
const LONGEST_CLASS_NAME = 16;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Losses over the steps, and below them on the same axis the share of right answers. `heldOut` is the accuracy on the
 *  test rows. Two sizes are drawn: text in a shrunken drawing would be too small to read on a phone. */
export function learningCurves(history: readonly LossPoint[], heldOut: number, label: string): Markup {
  const draw = (size: Size, id: string) => drawing(curveOptions(history, heldOut, size), size, id, label);
  return new Markup(
    `<div class="wide">${draw({ width: 760, height: 470 }, 'curves')}</div><div ` +
      `class="narrow">${draw({ width: 330, height: 430 }, 'curves-narrow')}</div>`,
  );
}

function curveOptions(history: readonly LossPoint[], heldOut: number, { width, height }: Size): EChartsCoreOption {
  const left = width < 400 ? 44 : 56;
  const right = width < 400 ? 14 : 110;
  const panel = { left, right, height: height / 2 - 72 };
  const line = (
    name: string,
    axis: 0 | 1,
    color: string,
    dashed: boolean,
    value: (point: LossPoint) => number | null,
  ) => {
    const data = history.flatMap((point) => {
      const y = value(point);
      return y === null ? [] : [[point.step, y]];
    });
    return data.length === 0
      ? []
      : [
          {
            type: 'line',
            name,
            silent: true,
            xAxisIndex: axis,
            yAxisIndex: axis,
            data,
            // A run of one block has a single point, which no line shows.
            showSymbol: data.length < 3,
            symbol: 'circle',
            symbolSize: 6,
            lineStyle: { color, width: 2, type: dashed ? [6, 3] : 'solid' },
            itemStyle: { color },
            endLabel: {
              show: width >= 400,
              formatter: name,
              color,
              fontSize: 12,
              fontFamily: FONT,
              fontWeight: 600,
              distance: 8,
            },
            labelLayout: { moveOverlap: 'shiftY' },
          },
        ];
  };
  const text = { color: MUTED, fontSize: 12, fontFamily: FONT };
  const axes = (index: 0 | 1, shares: boolean) => ({
    x: {
      type: 'value',
      gridIndex: index,
      min: 0,
      max: Math.max(1, history.at(-1)?.step ?? 1),
      name: shares ? 'optimizer step' : '',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: text,
      axisLabel: { ...text, hideOverlap: true },
      axisLine: { lineStyle: { color: LINE } },
      axisTick: { show: false },
      splitLine: { show: false },
      splitNumber: width < 400 ? 3 : 6,
    },
    y: {
      type: 'value',
      gridIndex: index,
      min: 0,
      ...(shares ? { max: 1 } : {}),
      splitNumber: 4,
      ...(shares ? { interval: 0.25 } : {}),
      axisLabel: { ...text, ...(shares ? { formatter: (share: number) => `${Math.round(share * 100)} %` } : {}) },
      splitLine: { lineStyle: { color: LINE } },
    },
  });
  const losses = axes(0, false);
  const shares = axes(1, true);
  const title = (top: number, content: string) => ({
    text: content,
    left: 0,
    top,
    padding: 0,
    textStyle: { color: INK, fontSize: 14, fontWeight: 600, fontFamily: FONT },
  });
  const answers = line('rows right', 1, FIRST, false, (point) => point.accuracy);
  return {
    animation: false,
    title: [title(0, 'Loss'), title(height / 2 - 8, 'Share right, on what it was trained on')],
    grid: [
      { ...panel, top: 30 },
      { ...panel, top: height / 2 + 24 },
    ],
    xAxis: [losses.x, shares.x],
    yAxis: [losses.y, shares.y],
    series: [
      ...line('task', 0, FIRST, false, (point) => point.taskLoss),
      ...line('reconstruction', 0, SECOND, true, (point) => point.reconstructionLoss),
      ...answers.map((series) => ({ ...series, markLine: heldOutLine(heldOut) })),
      ...line('tokens right', 1, SECOND, true, (point) => point.reconstructionAccuracy),
    ],
  };
}

const heldOutLine = (accuracy: number) => ({
  silent: true,
  symbol: 'none',
  data: [{ yAxis: accuracy }],
  lineStyle: { color: INK, type: 'dotted', width: 1.5 },
  label: {
    formatter: `held-out rows ${percent(accuracy)}`,
    position: 'insideStartTop',
    color: INK,
    fontSize: 12,
    fontFamily: FONT,
  },
});

/** Counts by true and predicted class; a cell's shade is its share of the row, so that classes of different size
 *  compare. */
export function confusionMatrix(
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
  label: string,
): Markup {
  const names = classes.map((name) => shorten(name));
  const cell =
    classes.length <= 4
      ? 76
      : classes.length <= MOST_COUNTED_CLASSES
        ? 48
        : Math.max(10, Math.floor(640 / classes.length));
  const side = cell * classes.length;
  const margin = 40 + 7 * Math.max(...names.map((name) => Array.from(name).length));
  const size = { width: margin + side + 12, height: side + margin + 12 };
  const text = { color: INK, fontSize: 12, fontFamily: FONT };
  const axis = {
    type: 'category',
    data: names,
    splitArea: { show: false },
    axisTick: { show: false },
    axisLine: { show: false },
  };
  const everyName = { ...text, interval: classes.length <= 40 ? 0 : 'auto' };
  const name = { nameLocation: 'middle', nameTextStyle: { color: MUTED, fontSize: 12, fontFamily: FONT } };
  const counted = classes.length <= MOST_COUNTED_CLASSES;
  const options: EChartsCoreOption = {
    animation: false,
    grid: { left: margin, top: margin, width: side, height: side },
    xAxis: {
      ...axis,
      ...name,
      position: 'top',
      name: 'predicted',
      nameGap: margin - 18,
      axisLabel: { ...everyName, rotate: 90 },
    },
    yAxis: { ...axis, ...name, inverse: true, name: 'true', nameGap: margin - 14, axisLabel: everyName },
    series: [
      {
        type: 'custom',
        silent: true,
        data: confusion.flatMap((row, truth) =>
          row.map((value, predicted) => [predicted, truth, value, value / Math.max(1, total(row))]),
        ),
        renderItem: (_: unknown, api: { value(dimension: number): number; coord(point: number[]): number[] }) => {
          const [x = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
          const onDiagonal = api.value(0) === api.value(1);
          return {
            type: 'group',
            children: [
              {
                type: 'rect',
                shape: {
                  x: x - cell / 2 + 1,
                  y: y - cell / 2 + 1,
                  width: cell - 2,
                  height: cell - 2,
                  r: Math.min(4, cell / 8),
                },
                style: {
                  fill: onDiagonal ? 'var(--right-cell)' : 'var(--wrong-cell)',
                  opacity: 0.08 + 0.6 * api.value(3),
                },
              },
              ...(counted
                ? [
                    {
                      type: 'text',
                      x,
                      y,
                      style: {
                        ...numberStyle(cell),
                        text: count(api.value(2)),
                        fill: INK,
                        align: 'center',
                        verticalAlign: 'middle',
                      },
                    },
                  ]
                : []),
            ],
          };
        },
      },
    ],
  };
  return new Markup(drawing(options, size, 'confusion', label));
}

const numberStyle = (cell: number) => ({ fontSize: cell > 60 ? 16 : 12, fontFamily: FONT, fontWeight: 600 });
const total = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);
const shorten = (name: string): string => {
  const letters = Array.from(name.replace(/\s+/g, ' '));
  return letters.length <= LONGEST_CLASS_NAME
    ? letters.join('')
    : `${letters.slice(0, LONGEST_CLASS_NAME - 1).join('')}…`;
};

/** @returns an svg element. @param id begins the ids inside of it. @param label is what screen readers say. */
export function drawing(options: EChartsCoreOption, { width, height }: Size, id: string, label: string): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption(options);
    return asImage(chart.renderToSVGString(), id, label);
  } finally {
    // An undisposed chart keeps a timer, and with it the process.
    chart.dispose();
  }
}

/** Takes out what a still image inside a page does not need (hover styles, namespaces, the white background) and gives
 *  it a name that screen readers say. Element ids count up with each chart of the process; the same data must give the
 *  same bytes. */
function asImage(svg: string, id: string, label: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|pointer-events|xmlns(?::\w+)?|version|baseProfile)="[^"]*"/g, '')
    .replace(/<rect [^>]*id="0"[^>]*><\/rect>\n?/, '')
    .replaceAll(/zr\d+-/g, `${id}-`)
    .replace('<svg', `<svg role="img" aria-label="${escapeHtml(label)}"`);
}
