import { TestOperator } from '@kplug/testing';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { heapOf } from '../../tools/chromium/heap-of.ts';
import { useBrowser } from './browser.ts';

const browser = useBrowser();

const maxHeap = 100 * 1024 * 1024;
/** Rows in sight of a window of 900 pixels, and some above and below. */
const maxRows = 100;

async function openWith(count: number): Promise<Page> {
  const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0' });
  for (let index = 0; index < count; index++) operator.table(nameOf(index));
  await operator.controller.whenIdle();
  return browser.open(`http://${operator.controller.adminAddress}/`);
}

const nameOf = (index: number) => `table-${String(index).padStart(6, '0')}`;

it('shows 10,000 resources, from the first to the last, in little memory', async () => {
  const count = 10_000;
  const page = await openWith(count);
  const table = page.getByRole('table', { name: 'Resources' });
  await table.getByRole('link', { name: nameOf(0) }).waitFor();
  expect(await table.getAttribute('aria-rowcount')).toBe(String(count + 1));
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  await table.getByRole('link', { name: nameOf(count - 1) }).waitFor();
  expect(await table.getByRole('row').count()).toBeLessThan(maxRows);
  expect(await heapOf(page)).toBeLessThan(maxHeap);
});
