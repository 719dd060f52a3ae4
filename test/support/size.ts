/** Long hunts have two sizes: that of `npm test`, which still finds what is planted, and the full one of `npm run
 *  test:long`, which runs the files that import this. */
export const LONG = process.env['RAPT_TEST_LONG'] === '1';

export const sized = <T>(short: T, long: T): T => (LONG ? long : short);
