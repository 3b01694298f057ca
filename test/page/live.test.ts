import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { failCalls, holdCalls, servePostgres, startPage } from './operated-page.ts';
import { takeScreenshot } from './screenshot.ts';

const browser = useBrowser();

const feed = (page: Page) => page.locator('.feed');

async function withTable() {
  const started = await startPage();
  started.operator.table('users');
  await servePostgres(started);
  await started.operator.expectReady('users');
  return started;
}

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
  ['dark', 400],
] as const)('shows what happens, in the %s theme at %d pixels', async (theme, width) => {
  const { url, operator } = await withTable();
  const page = await browser.open(`${url}#/live`, { theme, width });
  await feed(page).getByText('settled').first().waitFor();
  operator.table('broken');
  await feed(page).getByText('failed').first().waitFor();
  await feed(page).getByText('already exists \\u202e<b>bold</b>').first().waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await takeScreenshot(page, `live-${theme}-${width}`);
});

it('pauses, counts what comes meanwhile, and goes on', async () => {
  const { url, operator } = await withTable();
  const page = await browser.open(`${url}#/live`);
  await feed(page).getByText('default/users').first().waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  operator.table('orders');
  await page.getByText(/new ones? waiting/).waitFor();
  expect(await feed(page).getByText('default/orders').count()).toBe(0);
  await page.getByRole('button', { name: 'Continue' }).click();
  await feed(page).getByText('default/orders').first().waitFor();
});

it('filters by kind and text, in the URL', async () => {
  const { url } = await withTable();
  const page = await browser.open(`${url}#/live`);
  await feed(page).getByText('settled').first().waitFor();
  await page.getByLabel('Filter by kind').selectOption('instances');
  await feed(page).getByRole('link', { name: 'PostgreSQL 1.0.0' }).first().waitFor();
  expect(await feed(page).getByText('settled').count()).toBe(0);
  await page.getByLabel('Filter the activities by text').fill('no such thing');
  await page.getByText('Nothing matches').waitFor();
  await expect.poll(() => page.url()).toMatch(/#\/live\?kind=instances&q=no\+such\+thing$/);
  await page.reload();
  await page.getByText('Nothing matches').waitFor();
  await page.goBack();
  await feed(page).getByText('settled').first().waitFor();
  expect(await page.getByLabel('Filter by kind').inputValue()).toBe('');
});

it('keeps a bounded number of rows, of which few are rendered', async () => {
  const { url, operator } = await withTable();
  const page = await browser.open(`${url}#/live`);
  await feed(page).getByText('settled').first().waitFor();
  for (let index = 0; index < 1_200; index++) operator.table(`table-${index}`);
  const size = () => page.evaluate<number>("Number(document.querySelector('.feed li')?.ariaSetSize)");
  await expect.poll(size).toBe(1_000);
  expect(await feed(page).locator('li').count()).toBeLessThan(80);
});

it('says that it loads, that nothing has happened, and what fails', async () => {
  const { url } = await startPage();
  const page = await browser.open(`${url}#/live`, { allowed: /500/ });
  await page.getByText('Nothing has happened yet').waitFor();
  await expectAccessible(page);
  const release = await holdCalls(page, 'kplug.v1.ActivityService/WatchActivity');
  await page.reload();
  await page.getByText('Loading the activities').waitFor({ state: 'attached' });
  release();
  await page.getByText('Nothing has happened yet').waitFor();
  await failCalls(page, 'kplug.v1.ActivityService/WatchActivity', 500);
  await page.reload();
  await page.getByText('The operator could not answer: no activities').waitFor();
  await expectAccessible(page);
});
