/** Waiting for an answer, but not for ever. */

/** The first answer, or null after so long. */
export async function within<T>(ms: number, ...asked: readonly Promise<T>[]): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)));
  try {
    return await Promise.race([...asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
