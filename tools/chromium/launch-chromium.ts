import { type Browser, chromium } from 'playwright-core';
import { installChromium } from './install-chromium.ts';

/** Time that the browser may take for a step while other work needs the processors, in milliseconds. */
export const patience = 90_000;

const args = ['--disable-gpu', '--disable-background-networking', '--disable-component-update'];

/** Starts headless Chromium, which asks nothing of other hosts by itself. Installs it before if it is missing. */
export async function launchChromium(progress: (message: string) => void): Promise<Browser> {
  return chromium.launch({ executablePath: await installChromium(progress), args, timeout: patience });
}
