import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { installChromium } from '../tools/chromium/install-chromium.ts';

/**
 * `pnpm site:look`: looks at the built site in Chromium, at two widths and in both themes. Prints each problem and exits with 1 if there
 * is any: something that is wider than the screen, a diagram that is not drawn, an error, or a request to elsewhere.
 */
const dist = join(import.meta.dirname, 'dist');
const pages = [
  '',
  'tutorial/',
  'concepts/',
  'architecture/',
  'operator-configuration/',
  'reference/sdk/',
  'benchmarks/',
];
const widths = [1280, 400];
const themes = ['light', 'dark'] as const;

const problems: string[] = [];

const executablePath = await installChromium((message) => console.error(`Chromium: ${message}`));
const server = await serve();
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  for (const width of widths) for (const theme of themes) await lookAtPages(browser, width, theme);
  await search(browser);
  await chooseVersion(browser);
} finally {
  await browser.close();
  server.close();
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`looked at ${pages.length} pages, ${widths.join(' and ')} pixels wide, ${themes.join(' and ')}`);

/** Serves the site on a free port of this machine. */
async function serve(): Promise<Server> {
  const types: Record<string, string> = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.css': 'text/css',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
  };
  const created = createServer((request, response) => {
    let path = join(dist, new URL(request.url ?? '/', 'http://localhost').pathname);
    if (existsSync(path) && statSync(path).isDirectory()) path = join(path, 'index.html');
    if (!existsSync(path)) response.writeHead(404).end();
    else
      response
        .writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' })
        .end(readFileSync(path));
  });
  await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
  return created;
}

function origin(): string {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Opens a page that records errors and requests to elsewhere as problems. */
async function open(on: Browser, width: number, theme: 'light' | 'dark', where: string): Promise<Page> {
  const context = await on.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
  const page = await context.newPage();
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin()}/`) && !url.startsWith('data:')) problems.push(`${where}: requests ${url}`);
  });
  page.on('pageerror', (error) => problems.push(`${where}: ${error.message}`));
  page.on('console', (message) => {
    // The list of versions exists only on the published site.
    const isVersions = message.location().url.endsWith('/versions.json');
    if (message.type() === 'error' && !isVersions) problems.push(`${where}: ${message.text()}`);
  });
  return page;
}

async function lookAtPages(on: Browser, width: number, theme: 'light' | 'dark'): Promise<void> {
  const page = await open(on, width, theme, `at ${width} pixels, ${theme}`);
  for (const path of pages) {
    await page.goto(`${origin()}/${path}`, { waitUntil: 'networkidle' });
    const where = `/${path} at ${width} pixels, ${theme}`;
    const drawn = page.locator('pre.mermaid[data-drawn] svg');
    const diagrams = await page.locator('pre.mermaid').count();
    if (diagrams > 0)
      await drawn
        .nth(diagrams - 1)
        .waitFor({ timeout: 30_000 })
        .catch(() => {});
    const missing = diagrams - (await drawn.count());
    if (missing > 0) problems.push(`${where}: ${missing} of ${diagrams} diagrams are not drawn`);
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    if (needed > width) problems.push(`${where}: the page is ${needed} pixels wide`);
    const used = await page.evaluate(() => document.documentElement.dataset.theme);
    if (used !== theme) problems.push(`${where}: the theme is ${used}`);
  }
  await page.context().close();
}

async function search(on: Browser): Promise<void> {
  const page = await open(on, 1280, 'light', 'search');
  await page.goto(origin(), { waitUntil: 'networkidle' });
  await page.keyboard.press('Control+k');
  await page.locator('dialog[open] input').fill('suspended plugins');
  const found = page.locator('.pagefind-ui__result-link', { hasText: 'Troubleshooting' });
  const isFound = await found
    .first()
    .waitFor({ timeout: 30_000 })
    .then(
      () => true,
      () => false,
    );
  if (!isFound) problems.push('search: "suspended plugins" does not find the page Troubleshooting');
  await page.context().close();
}

/** Reads the selector of versions, with a list as the published site has it. */
async function chooseVersion(on: Browser): Promise<void> {
  const page = await open(on, 1280, 'light', 'versions');
  const selector = page.locator('kplug-versions').first();
  await page.goto(origin(), { waitUntil: 'networkidle' });
  if ((await selector.locator('select').count()) > 0) problems.push('versions: there is a selector without releases');
  const body = JSON.stringify([
    { version: '1.1', path: '/' },
    { version: '1.0', path: '/concepts/' },
  ]);
  await page.route('**/versions.json', (route) => route.fulfill({ contentType: 'application/json', body }));
  await page.goto(origin(), { waitUntil: 'networkidle' });
  await selector.locator('select').selectOption('1.0');
  await page
    .waitForURL('**/concepts/', { timeout: 30_000 })
    .catch(() => problems.push('versions: choosing one leads nowhere'));
  await page.context().close();
}
