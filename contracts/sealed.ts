/** Values that the data owner alone can read, inside of what the provider passes on: paths, names of columns, messages
 *  of failures. A sealed value is a string like any other, so that workflows take it where they take a name. How it is
 *  made and opened stands in codec/seals.ts. */

/** "sealed:1:KEY:BASE64URL". An ending may follow that the provider needs for nothing, and that a check of the form
 *  asks for: ".csv". */
export const SEALED = /sealed:1:([\w.-]{1,64}):([A-Za-z0-9_-]+)(\.csv|\.jsonl)?/;
const WHOLE = new RegExp(`^${SEALED.source}$`);

export const isSealed = (text: string): boolean => WHOLE.test(text);
/** Also of a message that quotes another. */
export const holdsSealed = (text: string): boolean => SEALED.test(text);

/** Where a sealed value belongs. */
export interface SealPlace {
  /** Path in the configuration, "data.train"; lists have no numbers in it. */
  readonly field: string;
  /** Workflow id of the run, or id of the schedule that starts it; null where nobody knew it yet. */
  readonly run: string | null;
}

/** Seals and opens with the owner's keys of one tenant. */
export interface Seals {
  readonly tenant: string;
  seal(value: string, place: SealPlace): string;
  /** @throws RaptError accessDenied for the key of another tenant or one that is not here, corruptArtifact for what was
   *  changed or belongs elsewhere. */
  open(sealed: string, place: SealPlace): string;
}

/** Fields of inputs that only the owner needs. */
export const OWNER_FIELDS = {
  /** Of a run's configuration. */
  tuning: [
    'data.train',
    'data.test',
    'data.textColumn',
    'data.pairColumn',
    'data.labelColumn',
    'data.attributeColumns',
    'audit.publicText',
  ],
  /** Of a prediction's input. */
  prediction: ['in', 'out', 'textColumn', 'pairColumn', 'labelColumn'],
  /** The names in it that begin so, without what they begin with. */
  gates: 'attribute.',
} as const;
/** The field of messages of failures, which stand anywhere. */
export const FAILURE_FIELD = 'failure';

/** What requests and results put around a configuration, a prediction or a result; it is no part of a field's path. */
const AROUND: readonly string[] = ['config', 'prepared', 'result'];

/** The same value with each string in it mapped. @param map gets the path of the string's field; names of columns in
 *  the keys of gates are mapped as well. */
export function mapStrings<T>(value: T, map: (text: string, field: string) => string): T {
  return mapped(value, '', map) as T;
}

function mapped(value: unknown, field: string, map: (text: string, field: string) => string): unknown {
  if (typeof value === 'string') return map(value, field);
  if (Array.isArray(value)) return value.map((item) => mapped(item, field, map));
  if (typeof value !== 'object' || value === null) return value;
  const { gates } = OWNER_FIELDS;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = field === 'gates' && key.startsWith(gates) ? gates + map(key.slice(gates.length), 'gates') : key;
      return [
        name,
        mapped(inner, field === '' && AROUND.includes(key) ? '' : `${field === '' ? '' : `${field}.`}${key}`, map),
      ];
    }),
  );
}

/** An input as it leaves the owner: what only he needs of it is sealed. What is sealed already stays so. @param run as
 *  in `SealPlace`. */
export function sealInput<T>(input: T, seals: Seals, run: string | null): T {
  const fields: readonly string[] = [...OWNER_FIELDS.tuning, ...OWNER_FIELDS.prediction, 'gates'];
  // Conditions of gates stand below the metric's name.
  return mapStrings(input, (text, field) =>
    fields.includes(field) && !isSealed(text) ? seals.seal(text, { field, run }) : text,
  );
}
