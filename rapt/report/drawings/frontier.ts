/** What a choice of eta keeps and what it gives away: as a drawing that stands by itself, and with runs marked on
 *  it. */
import type { EChartsCoreOption } from 'echarts/core';
import type { FrontierPoint } from '../../../contracts/index.ts';
import type { Markup } from '../html.ts';
import { COLOURS } from '../style.ts';
import { number, percent } from '../words.ts';
import {
  AXIS_TEXT,
  drawing,
  FIRST,
  INK,
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

const SIZE = { width: 760, height: 520 };
const SIZES = { wide: { width: 760, height: 440 }, narrow: { width: 330, height: 380 } };

/** A run on the drawing: what stayed of its texts, and what Bayes' rule got of them. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly own: boolean;
  readonly name: string;
}

/** An SVG file: for each mechanism a line through its points, with the eta of each. */
export function drawFrontier(points: readonly FrontierPoint[]): string {
  const svg = drawing(frontierOptions(points, [], SIZE), SIZE, 'frontier', labelOf(points, []));
  return svg
    .replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"')
    .replace(/>/, `><style>${COLOURS} svg { background: var(--page); }</style>`);
}

/** The same with marks, for the page. */
export const markedFrontier = (points: readonly FrontierPoint[], marks: readonly Mark[]): Markup =>
  wideAndNarrow('frontier', labelOf(points, marks), (size) => frontierOptions(points, marks, size), SIZES);

function labelOf(points: readonly FrontierPoint[], marks: readonly Mark[]): string {
  const etas = points.map(({ mechanism, eta, unchangedInText, bayes }) => {
    return `${mechanism} ${number(eta)}: ${percent(unchangedInText)}, ${percent(bayes)}`;
  });
  return [
    `Tokens that stay themselves against tokens that the Bayesian adversary guesses, by eta: ${etas.join('; ')}`,
    ...marks.map(({ name, x, y }) => `${name}: ${percent(x)}, ${percent(y)}`),
  ].join('; ');
}

function frontierOptions(points: readonly FrontierPoint[], marks: readonly Mark[], size: Size): EChartsCoreOption {
  const mechanisms = [...new Set(points.map(({ mechanism }) => mechanism))];
  const narrow = isNarrow(size);
  const axis = (name: string, nameGap: number): object => ({
    type: 'value',
    min: 0,
    max: 1,
    name,
    nameLocation: 'middle',
    nameGap,
    nameTextStyle: AXIS_TEXT,
    interval: narrow ? 0.25 : 0.2,
    axisLabel: { ...AXIS_TEXT, formatter: wholePercent },
    axisLine: { lineStyle: { color: LINE } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: LINE } },
  });
  return {
    animation: false,
    backgroundColor: 'transparent',
    title: titleAt(0, narrow ? 'Kept and given away, by eta' : 'What stays, and what an adversary gets, by eta'),
    grid: { left: narrow ? 56 : 64, right: narrow ? 16 : 110, top: 40, bottom: 56 },
    xAxis: axis('tokens of a text that stay themselves', 32),
    yAxis: axis("tokens that Bayes' rule gets right", 44),
    series: [
      ...mechanisms.map((mechanism, index) => mechanismSeries(points, mechanism, index === 0, narrow)),
      ...markSeries(marks, false),
      ...markSeries(marks, true),
    ],
  };
}

/** @param isFirst the first mechanism looks otherwise than the second, and carries what holds for both: what is guessed
 *  without a release. */
function mechanismSeries(
  points: readonly FrontierPoint[],
  mechanism: FrontierPoint['mechanism'],
  isFirst: boolean,
  narrow: boolean,
): object {
  const color = isFirst ? FIRST : SECOND;
  const { priorOnly } = points[0]!;
  return {
    type: 'line',
    name: mechanism,
    silent: true,
    symbol: isFirst ? 'circle' : 'rect',
    symbolSize: 7,
    lineStyle: { color, width: 2, type: isFirst ? 'solid' : [6, 3] },
    itemStyle: { color },
    label: {
      ...textStyle(color, 11),
      show: true,
      position: isFirst ? 'left' : 'right',
      formatter: ({ data }: { data: readonly number[] }) => number(data[2] ?? 0),
    },
    endLabel: {
      ...textStyle(color),
      show: !narrow,
      formatter: mechanism,
      fontWeight: 600,
      distance: isFirst ? 8 : 48,
    },
    labelLayout: { moveOverlap: 'shiftY' },
    data: points
      .filter((point) => point.mechanism === mechanism)
      .map(({ unchangedInText, bayes, eta }) => [unchangedInText, bayes, eta]),
    ...(isFirst && { markLine: lineAcross(priorOnly, `without a release ${percent(priorOnly)}`, 'insideEndTop') }),
  };
}

/** This run's mark, or the others'. */
function markSeries(marks: readonly Mark[], own: boolean): object[] {
  const data = marks.filter((mark) => mark.own === own).map(({ x, y }) => [x, y]);
  if (data.length === 0) return [];
  return [
    {
      type: 'scatter',
      silent: true,
      symbol: own ? 'diamond' : 'circle',
      symbolSize: own ? 16 : 9,
      itemStyle: own
        ? { color: SECOND, borderColor: INK, borderWidth: 1.5 }
        : { color: 'transparent', borderColor: SECOND, borderWidth: 2 },
      label: {
        ...textStyle(SECOND),
        show: own,
        formatter: 'this run',
        position: 'right',
        distance: 4,
        offset: [0, 8],
        fontWeight: 700,
      },
      data,
      z: own ? 5 : 4,
    },
  ];
}
