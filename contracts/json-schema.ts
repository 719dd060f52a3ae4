/** The configuration as a JSON Schema, for editors and for programs in other languages. */
import { z } from 'zod';
import { tuningConfigSchema } from './config.ts';

/** What a person writes, with descriptions and defaults. Draft 7, which editors and validators alike can read. Rules
 *  between fields are not in it. */
export function tuningJsonSchema(): Record<string, unknown> {
  return { title: 'Rapt tuning run', ...z.toJSONSchema(tuningConfigSchema, { io: 'input', target: 'draft-7' }) };
}
