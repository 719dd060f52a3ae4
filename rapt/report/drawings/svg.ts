/** Drawings made on the server as SVG text. Colours are CSS variables of the page, so that one drawing serves light,
 *  dark and print. */
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import { init, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { escapeHtml, Markup } from '../html.ts';

use([CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

export const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
export const LINE = 'var(--line)';
export const FIRST = 'var(--first)';
export const SECOND = 'var(--second)';
const FONT = 'system-ui, sans-serif';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** On a phone. */
export const isNarrow = ({ width }: Size): boolean => width < 400;

export interface TextStyle {
  readonly color: string;
  readonly fontSize: number;
  readonly fontFamily: string;
}

export const textStyle = (color: string, fontSize = 12): TextStyle => ({ color, fontSize, fontFamily: FONT });
/** Of the names of axes and of what stands along them. */
export const AXIS_TEXT = textStyle(MUTED);
export const wholePercent = (share: number): string => `${Math.round(share * 100)} %`;

/** A title at the left, so many pixels below the top. */
export const titleAt = (top: number, text: string): object => ({
  text,
  left: 0,
  top,
  padding: 0,
  textStyle: { ...textStyle(INK, 14), fontWeight: 600 },
});

/** A dotted line across the drawing at a height, with its meaning beside it. */
export const lineAcross = (y: number, formatter: string, position: string): object => ({
  silent: true,
  symbol: 'none',
  data: [{ yAxis: y }],
  lineStyle: { color: INK, type: 'dotted', width: 1.5 },
  label: { ...textStyle(INK), formatter, position },
});

/** The same in a size for pages and one for phones: text in a shrunken drawing would be too small to read there. */
export function wideAndNarrow(
  id: string,
  label: string,
  optionsFor: (size: Size) => EChartsCoreOption,
  { wide, narrow }: { readonly wide: Size; readonly narrow: Size },
): Markup {
  const onPage = drawing(optionsFor(wide), wide, id, label);
  const onPhone = drawing(optionsFor(narrow), narrow, `${id}-narrow`, label);
  return new Markup(`<div class="wide">${onPage}</div><div class="narrow">${onPhone}</div>`);
}

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
