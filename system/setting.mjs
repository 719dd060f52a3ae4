// @ts-check
/** A variable of the environment. A variable that is set to nothing counts as not set: shells and CI systems leave such
 *  variables behind.
 *  @param {string} name
 *  @param {NodeJS.ProcessEnv} [env]
 *  @returns {string | undefined} */
export function setting(name, env = process.env) {
  const value = env[name];
  return value === '' ? undefined : value;
}
