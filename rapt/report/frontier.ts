/** What a choice of eta keeps and what it gives away: as a drawing that stands by itself, and with runs marked on
 *  it. */
import type { EChartsCoreOption } from 'echarts/core';
import type { FrontierPoint } from '../../contracts/index.ts';
import { drawing, FIRST, FONT, INK, LINE, MUTED, SECOND, type Size } from './charts.ts';
import { number, percent } from './format.ts';
import { Markup } from './html.ts';
import { COLOURS } from './style.ts';

const SIZE = { width: 760, height: 520 };
const NARROW = 400;

/** A run on the drawing: what stayed of its texts, and what Bayes' rule got of them. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly own: boolean;
  readonly name: string;
}

/** An SVG file: for each mechanism a line through its points, with the eta of each. Equal points give equal bytes. */
export function frontierDrawing(points: readonly FrontierPoint[]): string {
  const svg = drawing(frontierOptions(points, [], SIZE), SIZE, 'frontier', labelOf(points, []));
  return svg
    .replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"')
    .replace(/>/, `><style>${COLOURS} svg { background: var(--page); }</style>`);
}

/** The same with marks, in a size for pages and one for phones. */
export function markedFrontier(points: readonly FrontierPoint[], marks: readonly Mark[]): Markup {
  const draw = (size: Size, id: string): string =>
    drawing(frontierOptions(points, marks, size), size, id, labelOf(points, marks));
  return new Markup(
    `<div class="wide">${draw({ width: 760, height: 440 }, 'frontier')}</div><div ` +
      `class="narrow">${draw({ width: 330, height: 380 }, 'frontier-narrow')}</div>`,
  );
}

const labelOf = (points: readonly FrontierPoint[], marks: readonly Mark[]): string =>
  [
    'Tokens that stay themselves against tokens that the Bayesian adversary guesses, by eta: ' +
      points
        .map(
          ({ mechanism, eta, unchangedInText, bayes }) =>
            `${mechanism} ${number(eta)}: ` + `${percent(unchangedInText)}, ` + percent(bayes),
        )
        .join('; '),
    ...marks.map(({ name, x, y }) => `${name}: ${percent(x)}, ${percent(y)}`),
  ].join('; ');

function frontierOptions(points: readonly FrontierPoint[], marks: readonly Mark[], { width }: Size): EChartsCoreOption {
  const mechanisms = [...new Set(points.map(({ mechanism }) => mechanism))];
  const narrow = width < NARROW;
  const text = { color: MUTED, fontSize: 12, fontFamily: FONT };
  const axis = (name: string, gap: number) => ({
    type: 'value',
    min: 0,
    max: 1,
    name,
    nameLocation: 'middle',
    nameGap: gap,
    nameTextStyle: text,
    interval: narrow ? 0.25 : 0.2,
    axisLabel: { ...text, formatter: (share: number) => `${Math.round(share * 100)} %` },
    axisLine: { lineStyle: { color: LINE } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: LINE } },
  });
  return {
    animation: false,
    backgroundColor: 'transparent',
    title: {
      text: narrow ? 'Kept and given away, by eta' : 'What stays, and what an adversary gets, by eta',
      left: 0,
      top: 0,
      padding: 0,
      textStyle: { color: INK, fontSize: 14, fontWeight: 600, fontFamily: FONT },
    },
    grid: { left: narrow ? 56 : 64, right: narrow ? 16 : 110, top: 40, bottom: 56 },
    xAxis: axis('tokens of a text that stay themselves', 32),
    yAxis: axis("tokens that Bayes' rule gets right", 44),
    series: [
      ...mechanisms.map((mechanism, index) => ({
        type: 'line',
        name: mechanism,
        silent: true,
        symbol: index === 0 ? 'circle' : 'rect',
        symbolSize: 7,
        lineStyle: { color: index === 0 ? FIRST : SECOND, width: 2, type: index === 0 ? 'solid' : [6, 3] },
        itemStyle: { color: index === 0 ? FIRST : SECOND },
        label: {
          show: true,
          position: index === 0 ? 'left' : 'right',
          color: index === 0 ? FIRST : SECOND,
          fontSize: 11,
          fontFamily: FONT,
          formatter: ({ data }: { data: readonly number[] }) => number(data[2] ?? 0),
        },
        endLabel: {
          show: !narrow,
          formatter: mechanism,
          color: index === 0 ? FIRST : SECOND,
          fontSize: 12,
          fontFamily: FONT,
          fontWeight: 600,
          distance: index === 0 ? 8 : 48,
        },
        labelLayout: { moveOverlap: 'shiftY' },
        data: points
          .filter((point) => point.mechanism === mechanism)
          .map(({ unchangedInText, bayes, eta }) => [unchangedInText, bayes, eta]),
        ...(index === 0
          ? {
              markLine: {
                silent: true,
                symbol: 'none',
                data: [{ yAxis: points[0]!.priorOnly }],
                lineStyle: { color: INK, type: 'dotted', width: 1.5 },
                label: {
                  formatter: `without a release ${percent(points[0]!.priorOnly)}`,
                  position: 'insideEndTop',
                  color: INK,
                  fontSize: 12,
                  fontFamily: FONT,
                },
              },
            }
          : {}),
      })),
      ...[false, true].flatMap((own) => {
        const data = marks.filter((mark) => mark.own === own).map(({ x, y }) => [x, y]);
        const style = own
          ? { color: SECOND, borderColor: INK, borderWidth: 1.5 }
          : { color: 'transparent', borderColor: SECOND, borderWidth: 2 };
        const label = {
          show: own,
          formatter: 'this run',
          position: 'right',
          distance: 4,
          offset: [0, 8],
          color: SECOND,
          fontSize: 12,
          fontFamily: FONT,
          fontWeight: 700,
        };
        return data.length === 0
          ? []
          : [
              {
                type: 'scatter',
                silent: true,
                symbol: own ? 'diamond' : 'circle',
                symbolSize: own ? 16 : 9,
                itemStyle: style,
                label,
                data,
                z: own ? 5 : 4,
              },
            ];
      }),
    ],
  };
}
