/** What a fetch from the hub has to tell while it lasts. Each program says by itself where its user reads it. */
type Listener = (line: string) => void;

let listener: Listener = () => undefined;

/** From now on this hears of fetches, of waiting, and of trying again. Lines hold names of models and numbers alone. */
export function onHubNews(hear: Listener): void {
  listener = hear;
}

export const tell = (line: string): void => listener(line);
