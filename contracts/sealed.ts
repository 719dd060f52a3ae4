/** Values that only the data owner can read, inside of what the provider passes on: paths, names of columns, messages
 *  of failures. A sealed value is a string like any other, so workflows take it where they take a name. codec/seals.ts
 *  makes and opens sealed values. */

/** "sealed:1:KEY:BASE64URL". An ending such as ".csv" may follow: the provider does not need it, but checks of the form
 *  of a path do. */
export const SEALED = /sealed:1:([\w.-]{1,64}):([A-Za-z0-9_-]+)(\.csv|\.jsonl)?/;
const WHOLE = new RegExp(`^${SEALED.source}$`);

export const isSealed = (text: string): boolean => WHOLE.test(text);
/** Whether a sealed value stands in a text, such as a message that quotes another one. */
export const holdsSealed = (text: string): boolean => SEALED.test(text);

/** Where a sealed value belongs. */
export interface SealPlace {
  /** The path in the configuration, "data.train". It has no numbers for the items of lists. */
  readonly field: string;
  /** The workflow id of the run, or the id of the schedule that starts it; null when nobody knew it yet. */
  readonly run: string | null;
}

/** Seals and opens with the owner's keys of one tenant. */
export interface Seals {
  readonly tenant: string;
  seal(value: string, place: SealPlace): string;
  /** @throws RaptError accessDenied when the key is another tenant's, or is not here; corruptArtifact when the value
   *  was changed, or belongs elsewhere. */
  open(sealed: string, place: SealPlace): string;
}

/** The fields of inputs that only the owner needs. */
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
  /** Of the gates: the rest of each name that begins so. */
  gates: 'attribute.',
} as const;
/** Stands for the field of a failure's message, which may stand anywhere. */
export const FAILURE_FIELD = 'failure';

/** Fields that requests and results put around a configuration, a prediction or a result. They are not part of a
 *  field's path. */
const AROUND: readonly string[] = ['config', 'prepared', 'result'];

/** The same value with each string in it mapped, and with the names of columns in the keys of gates.
 *  @param map gets the string and the path of its field. */
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

/** An input as it leaves its owner: the fields that only the owner needs are sealed, unless they are sealed already.
 *  @param run as in `SealPlace`. */
export function sealInput<T>(input: T, seals: Seals, run: string | null): T {
  const fields: readonly string[] = [...OWNER_FIELDS.tuning, ...OWNER_FIELDS.prediction, 'gates'];
  // Conditions of gates stand below the metric's name.
  return mapStrings(input, (text, field) =>
    fields.includes(field) && !isSealed(text) ? seals.seal(text, { field, run }) : text,
  );
}
