/** What a choice of eta keeps and what it gives away, as a drawing that stands by itself. */
import type { EChartsCoreOption } from 'echarts/core';
import type { FrontierPoint } from '../attacks/index.ts';
import { drawing, FIRST, FONT, INK, LINE, MUTED, SECOND } from './charts.ts';
import { number, percent } from './format.ts';
import { COLOURS } from './style.ts';

const SIZE = { width: 760, height: 520 };

/** An SVG file: for each mechanism a line through its points, with the eta of each. Equal points give equal bytes. */
export function frontierDrawing(points: readonly FrontierPoint[]): string {
  const mechanisms = [...new Set(points.map(({ mechanism }) => mechanism))];
  const label = `Tokens that stay themselves against tokens that the Bayesian adversary guesses, by eta: ${points.map(({ mechanism, eta, unchangedInText, bayes }) => `${mechanism} ${number(eta)}: ${percent(unchangedInText)}, ${percent(bayes)}`).join('; ')}`;
  const text = { color: MUTED, fontSize: 12, fontFamily: FONT };
  const axis = (name: string, gap: number) => ({
    type: 'value',
    min: 0,
    max: 1,
    name,
    nameLocation: 'middle',
    nameGap: gap,
    nameTextStyle: text,
    axisLabel: { ...text, formatter: (share: number) => `${Math.round(share * 100)} %` },
    axisLine: { lineStyle: { color: LINE } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: LINE } },
  });
  const options: EChartsCoreOption = {
    animation: false,
    backgroundColor: 'transparent',
    title: { text: 'What stays, and what an adversary gets, by eta', left: 0, top: 0, padding: 0, textStyle: { color: INK, fontSize: 14, fontWeight: 600, fontFamily: FONT } },
    grid: { left: 64, right: 110, top: 40, bottom: 56 },
    xAxis: axis('tokens of a text that stay themselves', 32),
    yAxis: axis("tokens that Bayes' rule gets right", 44),
    series: mechanisms.map((mechanism, index) => ({
      type: 'line',
      name: mechanism,
      silent: true,
      symbol: index === 0 ? 'circle' : 'rect',
      symbolSize: 7,
      lineStyle: { color: index === 0 ? FIRST : SECOND, width: 2, type: index === 0 ? 'solid' : [6, 3] },
      itemStyle: { color: index === 0 ? FIRST : SECOND },
      label: { show: true, position: index === 0 ? 'left' : 'right', color: index === 0 ? FIRST : SECOND, fontSize: 11, fontFamily: FONT, formatter: ({ data }: { data: readonly number[] }) => number(data[2] ?? 0) },
      endLabel: { show: true, formatter: mechanism, color: index === 0 ? FIRST : SECOND, fontSize: 12, fontFamily: FONT, fontWeight: 600, distance: index === 0 ? 8 : 48 },
      labelLayout: { moveOverlap: 'shiftY' },
      data: points.filter((point) => point.mechanism === mechanism).map(({ unchangedInText, bayes, eta }) => [unchangedInText, bayes, eta]),
      ...(index === 0
        ? {
            markLine: {
              silent: true,
              symbol: 'none',
              data: [{ yAxis: points[0]!.priorOnly }],
              lineStyle: { color: INK, type: 'dotted', width: 1.5 },
              label: { formatter: `without a release ${percent(points[0]!.priorOnly)}`, position: 'insideEndTop', color: INK, fontSize: 12, fontFamily: FONT },
            },
          }
        : {}),
    })),
  };
  return drawing(options, SIZE, 'frontier', label).replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"').replace(/>/, `><style>${COLOURS} svg { background: var(--page); }</style>`);
}
