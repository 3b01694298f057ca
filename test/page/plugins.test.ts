import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { RegistryService } from '@kplug/protocol';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { useBrowser } from './browser.ts';
import { expectAccessible, expectNoSidewaysScroll } from './check-page.ts';
import { failCalls, holdCalls, type OperatedPage, servePostgres, startPage } from './operated-page.ts';
import { takeScreenshot } from './screenshot.ts';

const browser = useBrowser();

/** Sends one heartbeat. */
async function beat({ operator }: OperatedPage, plugin: string, version: string): Promise<void> {
  const transport = createGrpcTransport({ baseUrl: `http://${operator.controller.heartbeatAddress}` });
  await createClient(RegistryService, transport).heartbeat({
    registration: {
      plugin,
      version,
      apis: [{ name: 'Table', version: '1.0.0' }],
      address: '127.0.0.1:9',
      instanceId: `${plugin}-1`,
    },
  });
}

async function withPlugins() {
  const started = await startPage();
  started.operator.table('users');
  started.operator.table('broken');
  await servePostgres(started);
  await started.operator.expectReady('users');
  await started.operator.expectCondition('broken', 'Ready', { status: 'False' });
  await beat(started, 'Oracle', 'one');
  return started;
}

const registered = (page: Page) => page.getByRole('region', { name: 'Registered' });

it.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
  ['dark', 400],
] as const)('shows the plugins and those that were refused, in the %s theme at %d pixels', async (theme, width) => {
  const { url } = await withPlugins();
  const page = await browser.open(`${url}#/plugins`, { theme, width });
  await registered(page).getByText('1 live').waitFor();
  await page.getByRole('region', { name: 'Refused' }).getByText('Oracle one').waitFor();
  await page.getByRole('region', { name: 'Security' }).waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await takeScreenshot(page, `plugins-${theme}-${width}`);
});

it.each([
  ['light', 1280],
  ['dark', 400],
] as const)('shows a plugin with its instances and failures, in the %s theme at %d pixels', async (theme, width) => {
  const { url } = await withPlugins();
  const page = await browser.open(`${url}#/plugins`, { theme, width });
  await registered(page).getByRole('link', { name: 'PostgreSQL' }).click();
  await page.getByRole('heading', { level: 1, name: 'PostgreSQL 1.0.0' }).waitFor();
  await page.getByText(/lease ends in \ds/).waitFor();
  await page.getByRole('row', { name: /Calls, last minute [1-9]/ }).waitFor();
  expect(await page.getByRole('button', { name: 'Drain' }).count()).toBe(0);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await takeScreenshot(page, `plugin-${theme}-${width}`);
});

it('never shows an instance as live after its lease ended without news', async () => {
  const { url } = await withPlugins();
  const page = await browser.open(`${url}#/plugins/PostgreSQL`);
  await page.getByText(/lease ends in \ds/).waitFor();
  // Nothing is heard from here on, though the connection seems to be there.
  await page.route('**/kplug.v1.RegistryService/*', () => undefined);
  await page.getByText('overdue').waitFor();
  await page.getByText(/lease ended \d+s ago, no news since/).waitFor();
  expect(await page.getByText('live', { exact: true }).count()).toBe(0);
});

it('says what to do when there is nothing, that it loads, and what fails', async () => {
  const { url } = await startPage();
  const page = await browser.open(`${url}#/plugins`, { allowed: /500/ });
  await page.getByText('No plugin yet').waitFor();
  await expectAccessible(page);
  const release = await holdCalls(page, 'kplug.v1.RegistryService/WatchPlugins');
  await page.reload();
  await page.getByText('Loading the plugins').waitFor({ state: 'attached' });
  release();
  await page.getByText('No plugin yet').waitFor();
  await failCalls(page, 'kplug.v1.RegistryService/WatchPlugins', 500);
  await page.reload();
  await page.getByText('The operator could not answer: no list of plugins').waitFor();
  await expectAccessible(page);
});

it('drains an instance after a confirmation, where actions are allowed', async () => {
  const started = await startPage({}, { allowActions: true });
  await servePostgres(started);
  const page = await browser.open(`${started.url}#/plugins/PostgreSQL`);
  await page.getByRole('button', { name: 'Drain' }).click();
  const dialog = page.getByRole('dialog', { name: 'Drain an instance' });
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect.poll(() => dialog.isVisible()).toBe(false);
  await page.getByText('live', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Drain' }).click();
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await expect.poll(() => page.getByText('live', { exact: true }).count()).toBe(0);
});
