// @ts-check
/** What every part has that set-up makes. */

/** @import { Check } from '../checks.mjs' */
/** @import { Place } from '../machine.mjs' */
/** @import { Fetcher } from '../network.mjs' */
/** @import { Program } from '../programs.mjs' */
/** @import { SealedFile } from '../seals.mjs' */
/** @import { Work } from '../work.mjs' */

/** One thing that set-up provides.
 *  @typedef {object} Component
 *  @property {string} name
 *  @property {string} title for people, with the size of the download
 *  @property {readonly string[]} after names of those without which it cannot be made
 *  @property {readonly Program[]} programs that making it calls
 *  @property {readonly Fetcher[]} fetchers that bring it
 *  @property {Readonly<Partial<Record<Place, number>>>} bytes that it takes at the most, while it is made
 *  @property {() => boolean} isReady looks whether it is there, in milliseconds
 *  @property {() => string} place where it lies, or would
 *  @property {() => readonly SealedFile[]} files of which it consists, as far as their bytes are watched over
 *  @property {() => Check[]} [settings] what the environment says of it, where that cannot be followed or is worth
 *  telling
 *  @property {(work: Work) => Promise<void>} install puts the files in place, each by a rename when it is whole
 *  @property {() => void} [link] puts it where others look for it; done at each set-up that finds it missing there */
