/** A variable of the environment; one that is set to nothing counts as not set, as shells and CI systems leave such behind. */
export function setting(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}
