// A stranger finds in the page why a resource isn't ready, for each of ten causes.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { causes } from '../ten-causes.fixture.ts';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { visibleLines } from './visible-lines.ts';

const browser = useBrowser();

async function expectLine(page: Page, line: RegExp): Promise<void> {
  await expect
    .poll(() => visibleLines(page), { message: `${line}`, timeout: 20_000 })
    .toContainEqual(expect.stringMatching(line));
}

describe('from the overview, a reader finds why a resource is not ready, and what to do:', () => {
  it.each(causes)('$title', async ({ start }) => {
    const { adminUrl, expected, advice, detail, stale } = await start();
    const page = await browser.open(adminUrl);
    // Without a click.
    await expectLine(page, expected);
    await expectLine(page, advice);
    // With one click, the resource says the same of itself, with the details.
    await page.getByRole('link', { name: /^Example: / }).click();
    for (const line of [expected, advice, detail, stale]) if (line) await expectLine(page, line);
    await expectAccessible(page);
    await page.setViewportSize({ width: 400, height: 900 });
    await expectNoSidewaysScroll(page);
  });
});
