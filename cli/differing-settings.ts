/** Configurations side by side. */

/** Settings that are not the same in all configurations, "tuning.epochs", in the order in which these are given; null
 *  where one has no such setting. */
export function differingSettings(configs: readonly object[]): Record<string, unknown[]> {
  const flat = configs.map((config) => new Map(leaves(config)));
  const names = new Set(flat.flatMap((settings) => [...settings.keys()]));
  return Object.fromEntries(
    [...names]
      .map((name) => [name, flat.map((settings) => settings.get(name) ?? null)] as const)
      .filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size > 1),
  );
}

/** "tuning.epochs" and its value. Lists are values. */
function leaves(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? leaves(inner, `${prefix}${name}.`)
      : [[prefix + name, inner]],
  );
}
