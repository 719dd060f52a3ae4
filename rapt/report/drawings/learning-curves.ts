import type { EChartsCoreOption } from 'echarts/core';
import type { LossPoint } from '../../../contracts/index.ts';
import type { Markup } from '../html.ts';
import { percent } from '../words.ts';
import {
  AXIS_TEXT,
  FIRST,
  isNarrow,
  LINE,
  lineAcross,
  SECOND,
  textStyle,
  titleAt,
  wholePercent,
  wideAndNarrow,
  type Size,
} from './svg.ts';

const SIZES = { wide: { width: 760, height: 470 }, narrow: { width: 330, height: 430 } };

/** Losses over the steps, and below them on the same axis the share of right answers. `heldOut` is the accuracy on the
 *  test rows. */
export const learningCurves = (history: readonly LossPoint[], heldOut: number, label: string): Markup =>
  wideAndNarrow('curves', label, (size) => curveOptions(history, heldOut, size), SIZES);

/** Which of the two panels a line belongs to. */
const LOSSES = 0;
const SHARES = 1;

interface Line {
  readonly name: string;
  readonly panel: typeof LOSSES | typeof SHARES;
  /** The task, or the reconstruction of plain tokens beside it. */
  readonly of: 'task' | 'reconstruction';
  readonly value: (point: LossPoint) => number | null;
}

const LINES: readonly Line[] = [
  { name: 'task', panel: LOSSES, of: 'task', value: ({ taskLoss }) => taskLoss },
  { name: 'reconstruction', panel: LOSSES, of: 'reconstruction', value: (point) => point.reconstructionLoss },
  { name: 'rows right', panel: SHARES, of: 'task', value: ({ accuracy }) => accuracy },
  { name: 'tokens right', panel: SHARES, of: 'reconstruction', value: (point) => point.reconstructionAccuracy },
];

function curveOptions(history: readonly LossPoint[], heldOut: number, size: Size): EChartsCoreOption {
  const { height } = size;
  const narrow = isNarrow(size);
  const panel = { left: narrow ? 44 : 56, right: narrow ? 14 : 110, height: height / 2 - 72 };
  const lastStep = Math.max(1, history.at(-1)?.step ?? 1);
  return {
    animation: false,
    title: [titleAt(0, 'Loss'), titleAt(height / 2 - 8, 'Share right, on what it was trained on')],
    grid: [
      { ...panel, top: 30 },
      { ...panel, top: height / 2 + 24 },
    ],
    xAxis: [stepAxis(LOSSES, '', lastStep, narrow), stepAxis(SHARES, 'optimizer step', lastStep, narrow)],
    yAxis: [valueAxis(LOSSES, {}, {}), valueAxis(SHARES, { max: 1, interval: 0.25 }, { formatter: wholePercent })],
    series: LINES.flatMap((line) => {
      const markLine = lineAcross(heldOut, `held-out rows ${percent(heldOut)}`, 'insideStartTop');
      const isMarked = line.panel === SHARES && line.of === 'task';
      return seriesOf(line, history, narrow).map((one) => (isMarked ? { ...one, markLine } : one));
    }),
  };
}

const stepAxis = (gridIndex: number, name: string, max: number, narrow: boolean): object => ({
  type: 'value',
  gridIndex,
  min: 0,
  max,
  name,
  nameLocation: 'middle',
  nameGap: 28,
  nameTextStyle: AXIS_TEXT,
  axisLabel: { ...AXIS_TEXT, hideOverlap: true },
  axisLine: { lineStyle: { color: LINE } },
  axisTick: { show: false },
  splitLine: { show: false },
  splitNumber: narrow ? 3 : 6,
});

const valueAxis = (gridIndex: number, scale: object, label: object): object => ({
  type: 'value',
  gridIndex,
  min: 0,
  splitNumber: 4,
  ...scale,
  axisLabel: { ...AXIS_TEXT, ...label },
  splitLine: { lineStyle: { color: LINE } },
});

/** One series, or none where nothing was measured. */
function seriesOf({ name, panel, of, value }: Line, history: readonly LossPoint[], narrow: boolean): object[] {
  const data = history.flatMap((point) => {
    const y = value(point);
    return y === null ? [] : [[point.step, y]];
  });
  if (data.length === 0) return [];
  const color = of === 'task' ? FIRST : SECOND;
  return [
    {
      type: 'line',
      name,
      silent: true,
      xAxisIndex: panel,
      yAxisIndex: panel,
      data,
      // A run of one block has a single point, which no line shows.
      showSymbol: data.length < 3,
      symbol: 'circle',
      symbolSize: 6,
      lineStyle: { color, width: 2, type: of === 'task' ? 'solid' : [6, 3] },
      itemStyle: { color },
      endLabel: { ...textStyle(color), show: !narrow, formatter: name, fontWeight: 600, distance: 8 },
      labelLayout: { moveOverlap: 'shiftY' },
    },
  ];
}
