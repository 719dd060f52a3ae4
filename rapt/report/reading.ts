/** How the tables were read: what was left out or taken instead, and what the backbone does not know. */
import type { ReportData } from '../../contracts/index.ts';
import { text } from '../summary/markup.ts';
import { html, type Markup } from './html.ts';
import { bullets, section } from './sections.ts';

const TITLE = 'How the tables were read';

/** Sentences; none where nothing is known, in reports of earlier versions. */
function sentences({ notes = [], unknownRate }: ReportData): string[] {
  const unknown =
    unknownRate === undefined
      ? []
      : [
          `${unknownRate === 0 ? 'Hardly any token is' : `${Math.round(unknownRate * 100)} % of the tokens are`} ` +
            "unknown to the backbone's tokenizer.",
        ];
  return [...notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`), ...unknown];
}

export function reading(data: ReportData): Markup | null {
  const told = sentences(data);
  return told.length === 0 ? null : section('reading', TITLE, html`${bullets(told, '')}`);
}

export function readingInMarkdown(data: ReportData): string | null {
  const told = sentences(data);
  return told.length === 0 ? null : `## ${TITLE}\n\n${told.map((sentence) => `- ${text(sentence)}`).join('\n')}`;
}
