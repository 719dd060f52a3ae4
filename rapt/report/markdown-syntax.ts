/** GitHub-flavoured Markdown, in which no value becomes markup. */

export const page = (parts: readonly (string | null)[]): string =>
  `${parts.filter((part) => part !== null).join('\n\n')}\n`;

/** As entities, which are read as the characters and never as markup. */
export const text = (value: string): string =>
  value
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll(/[\\`*_~[\]|<>&$#:!]/g, (character) => `&#${character.charCodeAt(0)};`);
export const code = (value: string): string => `<code>${text(value)}</code>`;
export const bullets = (items: readonly string[]): string => items.map((item) => `- ${text(item)}`).join('\n');
export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => ':---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** A fence that no line of the content closes. */
export function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...Array.from(content.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}

/** One colour that is seen on light and dark pages; Mermaid's own is too pale. All else stays as the page has it. */
const LOOK = '%%{init: {"xyChart": {"height": 320}, "themeVariables": {"xyChart": {"plotColorPalette": "#3b82f6"}}}}%%';

/** No text of a user's may stand in it: Mermaid has a markup of its own. */
export const chart = (title: string, lines: readonly string[]): string =>
  ['```mermaid', LOOK, 'xychart-beta', `    title "${title}"`, ...lines.map((line) => `    ${line}`), '```'].join('\n');
