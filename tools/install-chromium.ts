import { installChromium } from './chromium/install-chromium.ts';

/** `pnpm chromium:install`: installs Chromium for the tests of the page and of the documentation, unless it is there. Prints its path. */
console.log(await installChromium((message) => console.error(`Chromium: ${message}`)));
