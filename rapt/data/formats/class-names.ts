/** The names of classes, for columns that hold the classes' numbers. Hugging Face writes them as a `ClassLabel` into
 *  the schema of its Parquet and Arrow files, where -1 stands for a row without a label. Source:
 *  `Features.arrow_schema` and `ClassLabel` in the documentation of datasets. */
import { z } from 'zod';
import { parseJson } from '../../json.ts';

/** The key of the schema's metadata that holds the features, as JSON. */
export const FEATURES_KEY = 'huggingface';

const featuresSchema = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) });
const classLabelSchema = z.object({ _type: z.literal('ClassLabel'), names: z.array(z.string()) });

/** The names of each column's classes. Empty when the file tells none: then the numbers are the classes. */
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

/** The class's name, for a number that stands for one. Every other value stays as it is. */
export function withClassName(value: unknown, names: readonly string[] | undefined): unknown {
  if (names === undefined || (typeof value !== 'number' && typeof value !== 'bigint')) return value;
  return Number(value) === -1 ? null : (names[Number(value)] ?? value);
}
