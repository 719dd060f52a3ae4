/** What every bench returns. */
export interface Measurement {
  readonly results: Readonly<Record<string, unknown>>;
  /** The peer's time over Rapt's. */
  readonly ratios: Readonly<Record<string, number>>;
}
