/** Markup that is safe to print as it is. Everything else that reaches the template is escaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type Child = Markup | string | number | null | false | readonly Child[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for element content and for quoted attribute values alike. Control characters that HTML forbids become
 *  U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** A tagged template whose values are escaped unless they are `Markup`; lists are joined, `null` and `false` print
 *  nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Child[]): Markup {
  return new Markup(
    strings.map((part, index) => part + (index < values.length ? print(values[index] ?? null) : '')).join(''),
  );
}

function print(child: Child): string {
  if (child === null || child === false) return '';
  if (child instanceof Markup) return child.text;
  if (typeof child === 'object') return child.map(print).join('');
  return escapeHtml(String(child));
}
