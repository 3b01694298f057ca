import type { Page } from 'playwright-core';

/** Returns the lines of text that a reader sees on a page, without the word before an advice. What is hidden is left out. */
export async function visibleLines(page: Page): Promise<string[]> {
  const text = await page.evaluate<string>('document.body.innerText');
  return text.split('\n').map((line) => line.trim().replace(/^Next: /, ''));
}
