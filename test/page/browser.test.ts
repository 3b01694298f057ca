import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { installChromium } from '../../tools/chromium/install-chromium.ts';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { watchForProblems } from './page-problems.ts';

// Checks of a harness that cannot fail are worth nothing, so each is shown a page that it must refuse.
const pages: Record<string, string> = {
  '/good': '<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1></main></html>',
  '/wide': '<!doctype html><html lang="en"><title>Wide</title><p style="width: 5000px">wide</p></html>',
  '/image': '<!doctype html><html><title>Image</title><img src="/good.png"></html>',
  '/elsewhere': '<!doctype html><title>Elsewhere</title><link rel="stylesheet" href="http://127.0.0.1:9/a.css">',
  '/inline': '<!doctype html><title>Inline</title><script>document.title = "run"</script>',
};

const server = createServer(({ url = '' }, response) => {
  response.setHeader('content-type', 'text/html');
  if (url === '/inline') response.setHeader('content-security-policy', "default-src 'none'");
  else response.setHeader('content-security-policy', "default-src *; style-src * 'unsafe-inline'");
  response.writeHead(url in pages || url === '/favicon.ico' ? 200 : 404).end(pages[url]);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(() => void server.close());

const browser = useBrowser();

it('opens a page of its host, in the theme and width that a test asks for', async () => {
  const page = await browser.open(`${origin}/good`, { theme: 'dark', width: 400 });
  expect(await page.title()).toBe('Good');
  expect(await page.evaluate<boolean>("matchMedia('(prefers-color-scheme: dark)').matches")).toBe(true);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});

it('finds what is wider than the window, and what a screen reader cannot read', async () => {
  await expect(expectNoSidewaysScroll(await browser.open(`${origin}/wide`))).rejects.toThrow('width of the page');
  const image = await browser.open(`${origin}/image`, { allowed: /404/ });
  await expect(expectAccessible(image)).rejects.toThrow('image-alt');
});

it.each([
  ['/elsewhere', /^requests http:\/\/127\.0\.0\.1:9\/a\.css$/],
  ['/inline', /^reports the policy forbids script-src-elem inline$/],
  ['/image', /^reports Failed to load resource/],
])('finds the problem of %s', async (path, problem) => {
  const own = await chromium.launch({ executablePath: await installChromium(() => undefined) });
  try {
    const page = await own.newPage();
    const problems = await watchForProblems(page, origin);
    await page.goto(origin + path);
    await expect.poll(() => problems).toContainEqual(expect.stringMatching(problem));
  } finally {
    await own.close();
  }
});
