/** Names of classes where a column holds their numbers: Hugging Face's `ClassLabel`, told in the schema of its Parquet
 *  and Arrow files. Source: `Features.arrow_schema` and `ClassLabel` in the documentation of datasets; -1 stands for a
 *  row without a label. */
import { z } from 'zod';
import { parseJson } from '../../json.ts';

/** Under which the schema of a file has it, as JSON. */
export const FEATURES_KEY = 'huggingface';

const featuresSchema = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) });
const classLabelSchema = z.object({ _type: z.literal('ClassLabel'), names: z.array(z.string()) });

/** By column. Empty where the file says nothing that is understood: then the numbers stand for themselves. */
export type ClassNames = ReadonlyMap<string, readonly string[]>;

export function classNamesOf(features: string | undefined): ClassNames {
  const names = new Map<string, readonly string[]>();
  const parsed = featuresSchema.safeParse(features === undefined ? undefined : parseJson(features));
  if (!parsed.success) return names;
  for (const [column, feature] of Object.entries(parsed.data.info.features)) {
    const label = classLabelSchema.safeParse(feature);
    if (label.success) names.set(column, label.data.names);
  }
  return names;
}

/** The name of a number that stands for a class; every other value as it is. */
export function withClassName(value: unknown, names: readonly string[] | undefined): unknown {
  if (names === undefined || (typeof value !== 'number' && typeof value !== 'bigint')) return value;
  return Number(value) === -1 ? null : (names[Number(value)] ?? value);
}
