/** The value that a text holds as JSON; undefined when it is not JSON. The parser's own message is not passed on, since
 *  it quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
