import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launchChromium, patience } from '../../tools/chromium/launch-chromium.ts';
import { watchForProblems } from './page-problems.ts';

/** How a page is opened. */
export interface OpenOptions {
  /** Width of the window in pixels. Default 1280. */
  width?: number;
  /** Height of the window in pixels. Default 900. */
  height?: number;
  /** Theme of the system. Default `light`. */
  theme?: 'light' | 'dark';
  /** Headers of all requests, such as `authorization`. */
  headers?: Record<string, string>;
  /** Problems that the test makes itself, such as a stopped operator. Default: none. */
  allowed?: RegExp;
}

/** Real Chromium of a test file. */
export interface TestBrowser {
  /**
   * Opens a URL in a window of its own, with a profile of its own. The test fails at its end if the page reported an error, broke its
   * Content-Security-Policy, or asked another host than that of the URL for anything. The window is closed at the end of the test.
   */
  open(url: string, options?: OpenOptions): Promise<Page>;
}

/** Starts Chromium for the tests of this file. Call it at the top of the file. */
export function useBrowser(): TestBrowser {
  let browser: Browser | undefined;
  let opened: { context: BrowserContext; problems: readonly string[] }[] = [];
  beforeAll(async () => {
    browser = await launchChromium((message) => console.error(`Chromium: ${message}`));
  });
  afterEach(async () => {
    const all = opened;
    opened = [];
    for (const { context } of all) await context.close();
    expect(all.flatMap(({ problems }) => problems)).toEqual([]);
  });
  afterAll(() => browser?.close());
  return {
    open: async (url, { width = 1280, height = 900, theme = 'light', headers = {}, allowed } = {}) => {
      if (!browser) throw new Error('the browser runs only during tests');
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        extraHTTPHeaders: headers,
        reducedMotion: 'reduce',
      });
      context.setDefaultTimeout(patience);
      const page = await context.newPage();
      opened.push({ context, problems: await watchForProblems(page, new URL(url).origin, allowed) });
      await page.goto(url);
      return page;
    },
  };
}
