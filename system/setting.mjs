// @ts-check
/** A variable of the environment; one that is set to nothing counts as not set, as shells and CI systems leave such
 *  behind.
 *  @param {string} name
 *  @param {NodeJS.ProcessEnv} [env]
 *  @returns {string | undefined} */
export function setting(name, env = process.env) {
  const value = env[name];
  return value === '' ? undefined : value;
}
