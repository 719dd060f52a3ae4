/** What a text says as JSON; undefined when it is none. The parser's own message quotes the text, so it is not passed
 *  on. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
