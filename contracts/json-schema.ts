/** The configuration as a JSON Schema, for editors and for programs in other languages. */
import { z } from 'zod';
import { tuningConfigSchema } from './config.ts';

/** The schema of what a person writes, with descriptions and defaults. It is of draft 7, which editors and validators
 *  can read alike. Rules between fields are not in it. */
export function tuningJsonSchema(): Record<string, unknown> {
  return { title: 'Rapt tuning run', ...z.toJSONSchema(tuningConfigSchema, { io: 'input', target: 'draft-7' }) };
}
