/** The page's one style sheet. Colours are variables: drawings use them too, and dark mode and print only set them
 *  anew. Text on every background keeps a contrast of at least 4.5 to 1. */
const LIGHT = `
  --page: #ffffff; --card: #f6f7f9; --ink: #14181f; --muted: #545d6b; --line: #d5dae1;
  --first: #1d4ed8; --second: #b45309; --right-cell: #3b82f6; --wrong-cell: #f59e0b;
  --good: #166534; --good-back: #dcfce7; --bad: #991b1b; --bad-back: #fee2e2;`;
const DARK = `
  --page: #11151b; --card: #1a2029; --ink: #e8ecf2; --muted: #a3adbb; --line: #333c49;
  --first: #8ab4ff; --second: #f5a854; --right-cell: #1d4ed8; --wrong-cell: #b45309;
  --good: #86efac; --good-back: #14361f; --bad: #fca5a5; --bad-back: #471a1a;`;

/** The colours alone, for a drawing that stands by itself. */
export const COLOURS = [
  `:root {${LIGHT} }`,
  `@media (prefers-color-scheme: dark) { :root {${DARK} } }`,
  `@media print { :root {${LIGHT} } }`,
].join(' ');

export const STYLE = `
:root { color-scheme: light dark;${LIGHT} }
@media (prefers-color-scheme: dark) {
  :root { ${DARK} }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
}
header, main, footer { max-width: 1040px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 10px; }
h3 { font-size: 1rem; margin: 20px 0 6px; }
p { margin: 0 0 10px; }
.summary { font-size: 1.08rem; max-width: 70ch; margin: 10px 0 14px; }
.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.note, figcaption, caption, footer { color: var(--muted); font-size: .9rem; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; margin: 0; padding: 0; list-style: none; }
.chips li { border: 1px solid var(--line); border-radius: 999px; padding: 1px 12px; font-size: .88rem; }
.chips .good, td.good { color: var(--good); }
.chips .bad, td.bad { color: var(--bad); }
.chips .good { background: var(--good-back); border-color: transparent; }
.chips .bad { background: var(--bad-back); border-color: transparent; }
.answers { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; margin: 16px 0 20px; }
.answers .note { margin: 4px 0 0; }
.against {
  grid-column: 1 / -1;
  display: grid;
  grid-template-columns: 19rem 1fr;
  gap: 0 36px;
  align-items: start;
}
.answers section, .warning {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 12px;
  padding: 16px 20px;
  margin: 0;
}
.answers h2 { font-size: 1rem; color: var(--muted); margin: 0; }
.figure {
  font-size: 2.5rem;
  line-height: 1.2;
  font-weight: 700;
  letter-spacing: -.02em;
  margin: 2px 0 0;
  font-variant-numeric: tabular-nums;
}
.figure small {
  display: block;
  font-size: .95rem;
  font-weight: 500;
  letter-spacing: 0;
  line-height: 1.35;
  color: var(--muted);
}
.warning {
  background: var(--bad-back);
  color: var(--bad);
  border-color: var(--bad);
  font-weight: 600;
  margin-top: 14px;
}
.bars { width: 100%; }
.bars th, .bars td { border: 0; padding: 4px 0; font-weight: 400; vertical-align: middle; }
.bars th { width: 38%; padding-right: 10px; line-height: 1.3; }
.bars td:last-child { width: 4.6em; text-align: right; }
.track { position: relative; height: 16px; background: var(--line); border-radius: 3px; overflow: hidden; }
.track i { position: absolute; inset: 0 auto 0 0; background: var(--muted); }
.track i.own { background: var(--first); }
.track b {
  position: absolute;
  top: 5px;
  height: 6px;
  min-width: 2px;
  background: var(--page);
  border: 1px solid var(--ink);
  border-radius: 2px;
}
main > section { border-top: 1px solid var(--line); padding: 24px 0 8px; }
.scroll { overflow-x: auto; margin: 0 0 14px; }
.scroll:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 6px; }
th, td {
  text-align: left;
  padding: 5px 16px 5px 0;
  border-bottom: 1px solid var(--line);
  vertical-align: top;
}
thead th { color: var(--muted); font-weight: 600; font-size: .88rem; white-space: nowrap; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.scroll caption span { position: sticky; left: 0; display: inline-block; max-width: calc(100vw - 28px); }
code, pre, .mono { font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code, .mono { overflow-wrap: anywhere; }
pre {
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 8px;
  padding: 12px 14px;
  overflow-x: auto;
  margin: 0 0 14px;
}
figure { margin: 0 0 16px; }
svg { display: block; max-width: none; }
.narrow { display: none; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 32px; }
ul.plain { margin: 0 0 10px; padding-left: 1.15em; }
ul.plain li { margin-bottom: 4px; }
details { margin: 0 0 14px; }
summary { cursor: pointer; color: var(--muted); margin-bottom: 8px; }
a { color: var(--first); }
footer { padding-top: 12px; padding-bottom: 40px; }
@media (max-width: 820px) {
  .answers, .against, .columns { grid-template-columns: minmax(0, 1fr); }
  .wide { display: none; }
  .narrow { display: block; }
}
@media (max-width: 480px) {
  header, main, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 18px; }
  h1 { font-size: 1.35rem; }
  .summary { font-size: 1rem; line-height: 1.4; margin: 6px 0 10px; }
  .chips { gap: 6px; }
  .chips li { font-size: .82rem; padding: 0 10px; }
  .answers { gap: 10px; margin-top: 12px; }
  .answers section { padding: 10px 14px; }
  .answers .note { line-height: 1.35; }
  .against { gap: 8px; }
  .figure { font-size: 1.8rem; }
  .figure small { display: inline; }
  .against .figure small { display: block; }
  .bars th { width: 42%; font-size: .92rem; }
}
@media print {
  :root { ${LIGHT} color-scheme: light; }
  body { font-size: 11pt; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  .figure { font-size: 1.7rem; }
  .answers { grid-template-columns: 1fr 1fr; }
  .against { grid-template-columns: 12rem 1fr; }
  .wide { display: block; }
  .narrow { display: none; }
  .answers section, figure, tr, pre { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  table { font-size: 9.5pt; }
  .number, thead th { white-space: normal; }
  th, td { padding-right: 8px; }
  .scroll, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
  details::details-content { content-visibility: visible; display: block; }
  summary { display: none; }
  .track, .track i, .chips li { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  svg { max-width: 100%; height: auto; }
}
`;
