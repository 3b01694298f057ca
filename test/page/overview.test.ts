import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { failCalls, holdCalls, servePostgres, startPage, startPathProxy } from './operated-page.ts';
import { takeScreenshot } from './screenshot.ts';

const browser = useBrowser();

async function withTables() {
  const started = await startPage();
  for (const name of ['users', 'orders', 'broken-one', 'broken-two']) started.operator.table(name);
  await servePostgres(started);
  await started.operator.expectReady('users');
  await started.operator.expectCondition('broken-one', 'Ready', { status: 'False' });
  await started.operator.expectCondition('broken-two', 'Ready', { status: 'False' });
  return started;
}

const rows = (page: Page) => page.getByRole('table', { name: 'Resources' }).getByRole('row');

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
  ['dark', 400],
] as const)('shows why resources are not ready, in the %s theme at %d pixels', async (theme, width) => {
  const { url } = await withTables();
  const page = await browser.open(url, { theme, width });
  await page.getByText('already exists').first().waitFor();
  await page.getByRole('link', { name: '2 failing' }).waitFor();
  await expect.poll(() => rows(page).count()).toBe(5);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await takeScreenshot(page, `overview-${theme}-${width}`);
  // The text of a plugin is text, and its change of direction is visible.
  expect(await page.getByText('\\u202e<b>bold</b>').count()).toBeGreaterThan(0);
  expect(await page.locator('main b').count()).toBe(0);
});

it('goes from a cause to its resources, and to one of them', async () => {
  const { url } = await withTables();
  const page = await browser.open(url);
  await page.getByRole('link', { name: 'Show 2 resources' }).click();
  await expect.poll(() => rows(page).count()).toBe(3);
  expect(page.url()).toContain('cause=');
  await page.reload();
  await expect.poll(() => rows(page).count()).toBe(3);
  await page.getByRole('link', { name: 'default/broken-two', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'default/broken-two' }).waitFor();
});

it('filters by text and state, in the URL, and saves views', async () => {
  const { url } = await withTables();
  const page = await browser.open(url);
  await expect.poll(() => rows(page).count()).toBe(5);
  await page.keyboard.press('/');
  await page.keyboard.type('broken');
  await expect.poll(() => rows(page).count()).toBe(3);
  await page.getByRole('button', { name: 'ready', exact: true }).click();
  await page.getByText('No resource matches').waitFor();
  await page.getByRole('button', { name: 'ready', exact: true }).click();
  await expect.poll(() => page.url()).toMatch(/#\/\?q=broken$/);
  await page.locator('summary', { hasText: 'Views' }).click();
  await page.getByLabel('Name of the view').fill('Broken ones');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect.poll(() => rows(page).count()).toBe(5);
  await page.locator('summary', { hasText: 'Views' }).click();
  await page.getByRole('link', { name: 'Broken ones' }).click();
  await expect.poll(() => rows(page).count()).toBe(3);
});

it('goes through the rows by keyboard', async () => {
  const started = await startPage();
  for (let index = 0; index < 300; index++) started.operator.table(`table-${String(index).padStart(3, '0')}`);
  const page = await browser.open(started.url);
  await page.getByRole('link', { name: 'default/table-000', exact: true }).focus();
  const focused = () => page.evaluate<string>('document.activeElement.textContent');
  await page.keyboard.press('ArrowDown');
  await expect.poll(focused).toBe('default/table-001');
  await page.keyboard.press('End');
  await expect.poll(focused).toBe('default/table-299');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'default/table-299' }).waitFor();
});

it('says what to do when there is nothing', async () => {
  const { url } = await startPage(false, { followDelegations: true });
  const page = await browser.open(url);
  await page.getByText('No delegation yet').waitFor();
  await expectAccessible(page);
  const empty = await browser.open((await startPage()).url);
  await empty.getByText('No resource yet').waitFor();
  await expectAccessible(empty);
});

it('says that it loads, and what fails', async () => {
  const { url } = await withTables();
  const page = await browser.open(url, { allowed: /500/ });
  const release = await holdCalls(page, 'kplug.v1.DelegationService/SearchResources');
  await failCalls(page, 'kplug.v1.LoadService/GetHistory', 500);
  await page.reload();
  await page.getByText('Loading the resources').waitFor({ state: 'attached' });
  await page.getByText('The operator could not answer: no history').waitFor();
  await expectAccessible(page);
  release();
  await expect.poll(() => rows(page).count()).toBe(5);
  await failCalls(page, 'kplug.v1.DelegationService/SearchResources', 500);
  await page.getByRole('button', { name: 'failing', exact: true }).click();
  await page.getByText('The operator could not answer: no resources').waitFor();
});

it.each([
  [401, 'You are not signed in'],
  [403, 'You are not allowed to see this'],
] as const)('says what %d means', async (status, text) => {
  const { url } = await startPage();
  const page = await browser.open(url, { allowed: /401|403/ });
  await failCalls(page, 'kplug.v1.DelegationService/WatchSummary', status);
  await page.reload();
  await page.getByText(text).waitFor();
  await expectAccessible(page);
});

it('works below the path of a proxy, as that of the API server', async () => {
  const { url } = await withTables();
  const prefix = '/api/v1/namespaces/kplug/pods/operator:8080/proxy/';
  const { url: proxied, others } = await startPathProxy(url, prefix);
  const page = await browser.open(proxied);
  await expect.poll(() => rows(page).count()).toBe(5);
  await page.getByRole('link', { name: 'Plugins' }).click();
  await page.getByRole('link', { name: 'PostgreSQL' }).waitFor();
  expect(others).toEqual([]);
});

it('shows the rows again that were left, when the user goes back', async () => {
  const started = await startPage();
  for (let index = 0; index < 300; index++) started.operator.table(`table-${String(index).padStart(3, '0')}`);
  const page = await browser.open(started.url);
  const scrolled = () => page.evaluate<number>('scrollY');
  const row = page.getByRole('link', { name: 'default/table-200', exact: true });
  await page.getByRole('link', { name: 'default/table-000', exact: true }).waitFor();
  await page.evaluate('scrollTo(0, 7_500)');
  await row.scrollIntoViewIfNeeded();
  const left = await scrolled();
  await row.click();
  await page.getByRole('heading', { level: 1, name: 'default/table-200' }).waitFor();
  expect(await scrolled()).toBe(0);
  await page.goBack();
  await row.waitFor();
  await expect.poll(scrolled).toBe(left);
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: 'default/table-200' }).waitFor();
  await expect.poll(scrolled).toBe(0);
  // A link is no return.
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('link', { name: 'default/table-000', exact: true }).waitFor();
  expect(await scrolled()).toBe(0);
});
