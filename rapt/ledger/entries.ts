/** What the ledger's entries say, and what they amount to. */
import { z } from 'zod';
import { ErrorKind, RaptError, sha256Schema, type Sha256 } from '../../contracts/index.ts';

const common = { format: z.literal('rapt-ledger/2'), at: z.iso.datetime(), localKey: z.string() };
const reservationSchema = z.strictObject({
  ...common,
  kind: z.literal('reserved'),
  tenant: z.string(),
  /** The run that it was first drawn for. Runs that use it again are not entered: they cost nothing. */
  run: z.string(),
  purpose: z.enum(['tuning', 'prediction', 'file']),
  mechanism: z.string(),
  /** Null for mechanism none, which spends everything. */
  eta: z.number().nullable(),
  /** Of randomized response on each label; null when labels left as they are, or none did. */
  labelEpsilon: z.number().nullable(),
  /** What became of labels: none were in it, they left as they are, or they were drawn. Absent in entries of earlier
   *  versions. */
  labels: z.enum(['none', 'plain', 'drawn']).optional(),
  /** Distinct texts among these whose labels had left before, where labels were drawn. */
  labelsAgain: z.int().optional(),
  /** Of a public table, whose texts are nobody's secret. */
  public: z.literal(true).optional(),
  /** SHA-256 of the embedding table that gives eta its meaning. */
  table: z.string(),
  /** Distinct texts; times that the most frequent one occurs, those that are nearly alike being counted as one
   *  (families.ts). */
  texts: z.int(),
  most: z.int(),
  /** SHA-256 of the file with the texts' digests. */
  digests: sha256Schema,
  /** Releases from which rows are taken over, which are not among the texts here: they were paid for there. */
  takesOver: z.array(z.string()).optional(),
});
export const entrySchema = z.discriminatedUnion('kind', [
  reservationSchema,
  z.strictObject({ ...common, kind: z.literal('released'), digest: sha256Schema, tokens: z.int() }),
  z.strictObject({ ...common, kind: z.literal('dropped') }),
  /** A noisy figure about the labels of the release's rows, told for a run. */
  z.strictObject({ ...common, kind: z.literal('told'), run: z.string(), epsilon: z.number().positive() }),
]);
export type Entry = z.output<typeof entrySchema>;
export type Reservation = z.output<typeof reservationSchema>;

/** A noisy figure about labels, for which run, under which epsilon. */
export interface ToldFigure {
  readonly run: string;
  readonly epsilon: number;
  readonly at: string;
}

/** A release that counts. */
export interface LedgerRelease extends Omit<Reservation, 'format' | 'kind' | 'at' | 'digests'> {
  readonly reservedAt: string;
  /** When it was about to leave, under which digest; null while it has not. */
  readonly released: { readonly at: string; readonly digest: Sha256; readonly tokens: number } | null;
  /** Noisy figures about its labels; absent when none was told. */
  readonly told?: readonly ToldFigure[];
}

/** A release, and where its texts are. */
export interface Folded {
  readonly release: LedgerRelease;
  /** Of the file with its texts' digests. */
  readonly digests: Sha256;
}
/** Releases that count, by the names of their folders, in the order of their reservation. */
export type State = ReadonlyMap<string, Folded>;

/** A release and all from which it took rows over, themselves or by way of others. */
export function withTakenOver(release: LedgerRelease, state: State): Set<string> {
  const found = new Set<string>();
  const due = [release.localKey];
  for (let localKey = due.pop(); localKey !== undefined; localKey = due.pop()) {
    const known = state.get(localKey);
    if (known === undefined || found.has(localKey)) continue;
    found.add(localKey);
    due.push(...(known.release.takesOver ?? []));
  }
  return found;
}

/** What the entries amount to. */
export function fold(entries: readonly Entry[]): State {
  const state = new Map<string, Folded>();
  for (const entry of entries) {
    const { localKey, at } = entry;
    const known = state.get(localKey);
    if (entry.kind === 'reserved') {
      const { format: _, kind: __, at: reservedAt, digests, ...reservation } = entry;
      state.set(localKey, { release: { ...reservation, reservedAt, released: null }, digests });
    } else if (entry.kind === 'dropped') state.delete(localKey);
    else if (known && entry.kind === 'told')
      state.set(localKey, {
        ...known,
        release: {
          ...known.release,
          told: [...(known.release.told ?? []), { run: entry.run, epsilon: entry.epsilon, at }],
        },
      });
    else if (known && entry.kind === 'released')
      state.set(localKey, {
        ...known,
        release: { ...known.release, released: { at, digest: entry.digest, tokens: entry.tokens } },
      });
  }
  return state;
}

export type Labels = NonNullable<Reservation['labels']>;

/** What an earlier version did not say is taken as the most that may have happened: a file's label column is copied as
 *  it is. */
export const labelsIn = ({
  labels,
  labelEpsilon,
  purpose,
}: Pick<Reservation, 'labels' | 'labelEpsilon' | 'purpose'>): Labels =>
  labels ?? (labelEpsilon !== null ? 'drawn' : purpose === 'prediction' ? 'none' : 'plain');

/** The texts of a release whose folder was lost are not released a second time. */
export const releasedAlready = ({ localKey, released }: LedgerRelease): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `these texts were released already, as ${released?.digest ?? ''} at ${released?.at ?? ''}; a second noisy ` +
      `version would add to what is known of them. Restore that release's folder (${localKey}) from a backup`,
  );

/** A note where labels of a release were drawn again; none where they were not. */
export const labelsAgainNote = ({ labelsAgain = 0, texts }: Pick<LedgerRelease, 'labelsAgain' | 'texts'>): string[] =>
  labelsAgain === 0
    ? []
    : [
        `labels of ${labelsAgain} of ${texts} texts had left before and were drawn again: their label epsilons add ` +
          'up (`rapt ledger`)',
      ];
