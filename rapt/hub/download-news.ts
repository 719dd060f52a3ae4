/** What a fetch from the hub has to tell while it lasts. Each program decides for itself where its user reads that. */
type Listener = (line: string) => void;

let listener: Listener = () => undefined;

/** From now on the listener hears of fetches, of waiting, and of trying again. A line holds names of models and numbers
 *  alone. */
export function onHubNews(hear: Listener): void {
  listener = hear;
}

export const tell = (line: string): void => listener(line);
