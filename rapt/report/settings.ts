import { basename } from 'node:path';

/** The configuration without folder names, which say something about the data owner's machine: the report is uploaded. */
export function shareableConfig(config: unknown): unknown {
  if (typeof config === 'string') return withoutFolder(config);
  if (Array.isArray(config)) return config.map(shareableConfig);
  if (typeof config === 'object' && config !== null)
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, shareableConfig(value)]));
  return config;
}

/** Hub names ("organization/model") have one slash and start with neither a dot nor a slash; they stay. */
const withoutFolder = (text: string): string => {
  const path = text.replaceAll('\\', '/');
  return /^(?:[./~]|[A-Za-z]:\/)/.test(path) || path.split('/').length > 2 ? basename(path) : text;
};

/** Each field of the configuration as a dotted path and its value as JSON would write it. */
export function settings(config: unknown): [path: string, value: string][] {
  return flatten(shareableConfig(config), '');
}

function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    if (entries.length > 0) return entries.flatMap(([key, field]) => flatten(field, path === '' ? key : `${path}.${key}`));
  }
  return [[path === '' ? 'configuration' : path, typeof value === 'string' ? value : JSON.stringify(value)]];
}
