import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { failCalls, holdCalls, servePostgres, startPage, tableScreen } from './operated-page.ts';
import { takeScreenshot } from './screenshot.ts';

const browser = useBrowser();

async function withBroken() {
  const started = await startPage();
  started.operator.table('broken', { preferredImplementation: 'MariaDB' });
  await servePostgres(started);
  await started.operator.expectCondition('broken', 'Ready', { status: 'False' });
  return started;
}

const diagnosis = (page: Page) => page.locator('.diagnosis');

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
  ['dark', 400],
] as const)('shows why a resource fails, in the %s theme at %d pixels', async (theme, width) => {
  const { url } = await withBroken();
  const page = await browser.open(url + tableScreen('broken'), { theme, width });
  await diagnosis(page).getByText('already exists \\u202e<b>bold</b>').first().waitFor();
  await diagnosis(page).getByText('failing').waitFor();
  await page.getByText('It prefers MariaDB, and does not have it.').waitFor();
  const candidates = page.getByRole('region', { name: 'Candidates' });
  await candidates.getByRole('link', { name: 'PostgreSQL' }).waitFor();
  const passes = page.getByRole('region', { name: 'Passes' });
  await passes.getByText('failed').first().click();
  await passes.getByRole('row', { name: /^call/ }).first().waitFor();
  await page.getByRole('region', { name: 'Events and hand-overs' }).getByText('already exists').first().waitFor();
  const tree = page.getByRole('region', { name: 'What it depends on' });
  await tree.locator(':visible', { hasText: 'PostgreSQL 1.0.0' }).last().waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await takeScreenshot(page, `resource-${theme}-${width}`);
});

it('follows the resource: what is mended is ready', async () => {
  const started = await startPage();
  started.operator.table('users');
  const page = await browser.open(started.url + tableScreen('users'));
  await diagnosis(page).getByText('waiting').waitFor();
  await expectAccessible(page);
  await servePostgres(started);
  await diagnosis(page).getByText('ready', { exact: false }).first().waitFor();
  await page.getByText('It is assigned to PostgreSQL 1.0.0.').waitFor();
});

it('has the commands that show the same', async () => {
  const { url } = await withBroken();
  const page = await browser.open(url + tableScreen('broken'));
  await page.getByText('Copy as kplug command').click();
  await page.getByText('kplug trace table/broken -n default').waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByText('kplug trace table/broken -n default').isVisible()).toBe(false);
});

it('says that it loads, that a resource does not exist, and what fails', async () => {
  const { url } = await withBroken();
  const page = await browser.open(url + tableScreen('none'), { allowed: /404|500/ });
  await page.getByText('Not found: no state of this resource').waitFor();
  await expectAccessible(page);
  const release = await holdCalls(page, 'kplug.v1.DelegationService/TraceResource');
  await page.goto(url + tableScreen('broken'));
  await page.getByText('Loading the resource').waitFor({ state: 'attached' });
  release();
  await diagnosis(page).waitFor();
  await failCalls(page, 'kplug.v1.DelegationService/TraceResource', 500);
  await page.getByText('The operator could not answer: no newer state').waitFor();
  await diagnosis(page).waitFor();
  await expectAccessible(page);
});

it('shows the last call with its changes, if calls are recorded', async () => {
  const started = await startPage({}, { recordCalls: true });
  started.operator.table('users', { columns: ['id'] });
  await servePostgres(started);
  await started.operator.expectReady('users');
  started.operator.table('users', { columns: ['id', 'name'] });
  await started.operator.expectReady('users');
  const page = await browser.open(started.url + tableScreen('users'));
  const call = page.getByRole('region', { name: 'Last call' });
  await call.getByText('Reconcile', { exact: true }).waitFor();
  await call.locator('.added', { hasText: 'name' }).first().waitFor();
  await call.getByRole('button', { name: 'answer' }).click();
  await call.getByRole('button', { name: 'changes since the call before' }).click();
  await call.getByText('PostgreSQL').last().waitFor();
  await expectAccessible(page);
});

it('says how calls are recorded', async () => {
  const { url } = await withBroken();
  const page = await browser.open(url + tableScreen('broken'));
  await page.getByText('--record-calls', { exact: true }).waitFor();
});
