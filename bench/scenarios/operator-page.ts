import type { Browser } from 'playwright-core';
import { heapOf } from '../../tools/chromium/heap-of.ts';
import { launchChromium, patience } from '../../tools/chromium/launch-chromium.ts';
import { Child } from '../child.ts';
import type { PageOperatorCommands } from '../processes/page-operator.ts';
import { tableName } from '../processes/tables.ts';
import type { Report, Series } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';

/** Figures of one time that the page was opened. */
interface Opened {
  /** Time from the navigation, with an empty cache, to the first rows of the table, in milliseconds. */
  rows: number;
  /** Time to get all resources into the same browser as JSON, in milliseconds. */
  all: number;
  /** Memory of JavaScript, in MB. */
  heap: number;
}

/** Number of resources that the goals are for. */
const goalSize = 10_000;

/** The page of an operator in a browser. */
export const operatorPage: Scenario = {
  name: 'page',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [10, 100] : [100, goalSize, 100_000];
    const rounds = quick ? 1 : 5;
    await using browser = await launchChromium(progress);
    const measured = new Map<number, Opened[]>();
    for (const size of sizes) {
      progress(`starting an operator with ${size.toLocaleString('en')} resources`);
      await using operator = new Child<PageOperatorCommands>(new URL('../processes/page-operator.ts', import.meta.url));
      const url = await operator.ask('start', size);
      // The first one also makes the operator compile, and sort the resources.
      await open(browser, url, size);
      const found: Opened[] = [];
      for (let round = 0; round < rounds; round++) {
        progress(`${size.toLocaleString('en')} resources, round ${round + 1} of ${rounds}`);
        found.push(await open(browser, url, size));
      }
      measured.set(size, found);
    }
    return report(measured);
  },
};

async function open(browser: Browser, url: string, size: number): Promise<Opened> {
  await using context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const startedAt = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  // A link to an example of a cause has the name too.
  await page.getByRole('link', { name: `default/${tableName(0)}`, exact: true }).waitFor();
  const rows = performance.now() - startedAt;
  const heap = (await heapOf(page)) / 1e6;
  const { count, took } = await page.evaluate(readAll, 'kplug.v1.DelegationService/ListResources');
  if (count !== size) throw new Error(`the browser got ${count} of ${size} resources`);
  return { rows, all: took, heap };
}

/** Answer of `ListResources`, as JSON. */
interface ListedPage {
  resources: unknown[];
  nextPageToken?: string;
}

/** Gets all resources, page by page. It runs in the browser. */
async function readAll(method: string): Promise<{ count: number; took: number }> {
  const startedAt = performance.now();
  let pageToken = '';
  let count = 0;
  do {
    const body = JSON.stringify({ pageSize: 1_000, pageToken });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(method, { method: 'POST', headers, body });
    const { resources, nextPageToken = '' } = (await response.json()) as ListedPage;
    count += resources.length;
    pageToken = nextPageToken;
  } while (pageToken);
  return { count, took: performance.now() - startedAt };
}

function report(measured: ReadonlyMap<number, readonly Opened[]>): Report {
  const size = measured.has(goalSize) ? goalSize : Math.max(...measured.keys());
  const opened = measured.get(size) ?? [];
  const of = (key: keyof Opened) => opened.map((one) => one[key]);
  const line = (what: string, key: keyof Opened, isPeer: boolean): Series => ({
    what,
    isPeer,
    points: [...measured].map(([work, all]) => ({ work, cost: median(all.map((one) => one[key])) })),
  });
  const peer = 'all resources as JSON';
  const resources = `${size.toLocaleString('en')} resources`;
  return {
    name: 'page',
    title: 'The page of an operator',
    method: `An operator has resources in memory, and headless Chromium on the same machine opens its page with an empty cache. The time is that
from the navigation until the first rows of the table are shown, the median of ${opened.length} times. The page asks for the rows in sight only. The
peer gets all resources into the same browser, in pages of 1,000 as JSON, without showing any: what a page needs that filters by itself.`,
    comparisons: [
      {
        what: `first rows of ${resources}`,
        unit: 'ms',
        figure: median(of('rows')),
        peer: { what: peer, figure: median(of('all')) },
        ratio: medianRatio(of('rows'), of('all')),
        goal: { of: 'figure', is: 'below', value: 1_000 },
      },
      {
        what: `memory of JavaScript with ${resources}`,
        unit: 'MB',
        figure: median(of('heap')),
        goal: { of: 'figure', is: 'below', value: 100 },
      },
    ],
    growth: [
      {
        name: 'rows',
        title: 'Time until the first rows are shown, by number of resources',
        work: 'resources',
        cost: 'ms',
        scale: 'logarithmic',
        series: [line('the page', 'rows', false), line(peer, 'all', true)],
      },
    ],
    notes: [],
  };
}
