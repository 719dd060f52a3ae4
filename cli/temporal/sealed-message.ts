/** A failure's message, which the client may have sealed for its owner. */
import { SEALED } from '../../contracts/index.ts';

/** Where the owner's key is, a sealed message has been opened before it comes here. Elsewhere this says which key it
 *  needs. */
export function readable(message: string): string {
  const [sealed, key] = SEALED.exec(message) ?? [];
  return sealed === undefined
    ? message
    : `its reason is sealed with the owner key ${key}, which is not here: name the file that holds it in ` +
        'RAPT_OWNER_KEYS_FILE';
}
