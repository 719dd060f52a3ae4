/** A real Chromium, for pages that people look at. */
import { chromium, type Browser } from 'playwright-core';
import { findOnPath } from '../../infra/setup/programs.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** @throws Error with the way to get one when there is none. */
export function openBrowser(): Promise<Browser> {
  const found = process.env['RAPT_CHROMIUM'] ?? NAMES.map(findOnPath).find((path) => path !== null);
  if (found === undefined)
    throw new Error(
      `no ${NAMES.join(', ')} is on the PATH: \`apt-get install chromium\`, or set RAPT_CHROMIUM to the program of ` +
        'a Chromium or Chrome',
    );
  return chromium.launch({
    executablePath: found,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}
