import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const folder = join(import.meta.dirname, '../../docs/images');

/**
 * Writes docs/images/page-NAME.png in a run of `pnpm page:screenshots`; nothing in others, so that tests change no files.
 *
 * @param name such as `overview-dark`.
 */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  if (!process.env.UPDATE_SCREENSHOTS) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `page-${name}.png`), animations: 'disabled', caret: 'hide' });
}
