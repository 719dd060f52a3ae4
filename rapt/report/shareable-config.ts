/** A run's configuration as a report shows it: without names that are the data owner's own. */
import { BUILT_IN_DATASETS } from '../../contracts/index.ts';

/** Fields that name a file of the data owner's. */
const FILES: ReadonlySet<string> = new Set(['train', 'test', 'publicText']);
/** Fields that name columns of the data owner's tables, and the names that say nothing since everybody has them. */
const COLUMNS: ReadonlySet<string> = new Set(['textColumn', 'pairColumn', 'labelColumn', 'attributeColumns']);
const USUAL_COLUMNS: ReadonlySet<string> = new Set(['text', 'label']);
const ENDING = /(?:\.[a-z0-9]{1,8}){0,2}$/i;

/** The configuration without the names of files, folders and columns: the report is uploaded. */
export function shareableConfig(config: unknown, field = ''): unknown {
  if (typeof config === 'string') return withoutNames(config, field);
  if (Array.isArray(config)) return config.map((value) => shareableConfig(value, field));
  if (typeof config === 'object' && config !== null)
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, shareableConfig(value, key)]));
  return config;
}

/** Of a file its ending stays. Hub names of models ("organization/model") have one slash and start with neither a dot
 *  nor a slash; they stay. */
function withoutNames(text: string, field: string): string {
  if (FILES.has(field))
    return (BUILT_IN_DATASETS as readonly string[]).includes(text) ? text : `FILE${ENDING.exec(text)?.[0] ?? ''}`;
  if (COLUMNS.has(field)) return USUAL_COLUMNS.has(text) ? text : 'COLUMN';
  const path = text.replaceAll('\\', '/');
  return /^(?:[./~]|[A-Za-z]:\/)/.test(path) || path.split('/').length > 2 ? 'FOLDER' : text;
}

/** Each field of the configuration as a dotted path and its value as JSON would write it. */
export function settings(config: unknown): [path: string, value: string][] {
  return flatten(shareableConfig(config), '');
}

function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    if (entries.length > 0)
      return entries.flatMap(([key, field]) => flatten(field, path === '' ? key : `${path}.${key}`));
  }
  return [[path === '' ? 'configuration' : path, typeof value === 'string' ? value : JSON.stringify(value)]];
}
