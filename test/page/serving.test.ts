// The page as an operator serves it, in a real browser.
import { TestOperator } from '@kplug/testing';
import { describe, expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';

const browser = useBrowser();

async function startOperator(page = true): Promise<string> {
  const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0', page });
  operator.table('users');
  await operator.plugin({ name: 'PostgreSQL' });
  await operator.expectReady('users');
  return `http://${operator.controller.adminAddress}/`;
}

/** Most streams that a page may hold: a browser opens six connections to a host, and the calls need some. */
const maxStreams = 3;

describe('the page of an operator', () => {
  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [400, 'light'],
    [400, 'dark'],
  ] as const)('is readable %i pixels wide, in the %s theme', async (width, theme) => {
    const page = await browser.open(await startOperator(), { width, theme });
    await page.getByRole('link', { name: 'users' }).first().waitFor();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
  });

  it('asks no other host, keeps its policy, and holds few streams, on each screen', async () => {
    const url = await startOperator();
    const page = await browser.open(url);
    const streams = new Set<string>();
    page.on('request', (request) => {
      if (request.headers()['content-type']?.startsWith('application/connect+')) streams.add(request.url());
    });
    for (const fragment of ['#/', '#/plugins', '#/plugins/PostgreSQL', '#/live']) {
      await page.goto(url + fragment);
      await page.reload();
      await page.getByRole('main').waitFor();
      await expect.poll(() => streams.size, { message: fragment }).toBeGreaterThan(0);
      expect(streams.size, `${fragment}: ${[...streams].join(', ')}`).toBeLessThanOrEqual(maxStreams);
      streams.clear();
    }
  });

  it('is opened by a link of another site, and embedded by none', async () => {
    const url = await startOperator();
    // Another port of this machine is another origin, and 127.0.0.1 and localhost are other sites.
    const elsewhere = (await startOperator()).replace('127.0.0.1', 'localhost');
    const page = await browser.open(elsewhere, { allowed: /^requests http:\/\/127\.0\.0\.1|frame-ancestors|X-Frame/ });
    const answer = page.waitForResponse(url);
    await page.evaluate(`location.href = ${JSON.stringify(url)}`);
    expect((await answer).status()).toBe(200);
    await page.getByRole('main').waitFor();
    expect(page.url()).toMatch(new RegExp(`^${url}`));
  });

  it('is not there when it is turned off', async () => {
    const response = await fetch(await startOperator(false));
    expect([response.status, await response.text()]).toEqual([
      404,
      'not found; try /healthz, /readyz, /metrics or POST /kplug.v1.RegistryService/ListPlugins\n',
    ]);
  });

  it('is loaded from the cache of the browser the second time', async () => {
    const url = await startOperator();
    const page = await browser.open(url);
    // The chart is loaded last.
    await page.locator('.uplot').waitFor();
    await page.goto('about:blank');
    await page.goto(url);
    await page.locator('.uplot').waitFor();
    const assets = await page.evaluate<{ name: string; transferSize: number }[]>(
      "performance.getEntriesByType('resource').map(({ name, transferSize }) => ({ name, transferSize }))",
    );
    const own = assets.filter(({ name }) => name.includes('/assets/'));
    expect(own.length).toBeGreaterThan(1);
    expect(own.filter(({ transferSize }) => transferSize > 0)).toEqual([]);
  });
});
