import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const docs = join(import.meta.dirname, '../../docs');
const folder = join(docs, 'images');

/**
 * Writes docs/images/page-NAME.png in a run of `pnpm page:screenshots`, if docs/page.md shows it; nothing in other runs, so that tests change
 * no files.
 *
 * @param name such as `overview-dark`.
 */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  if (!process.env.UPDATE_SCREENSHOTS) return;
  if (!readFileSync(join(docs, 'page.md'), 'utf8').includes(`images/page-${name}.png`)) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `page-${name}.png`), animations: 'disabled', caret: 'hide' });
}
