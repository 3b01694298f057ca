import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestOperator } from '@kplug/testing';
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** Operator with a page. */
export interface OperatedPage {
  operator: TestOperator;
  /** URL of the page, to which the fragment of a screen is added. */
  url: string;
}

/**
 * Starts an operator on resources in memory, which stops when the test ends.
 *
 * @param rest as of `TestOperator`.
 */
export async function startPage(
  ...[delegation, options]: Parameters<typeof TestOperator.start>
): Promise<OperatedPage> {
  const operator = await TestOperator.start(delegation, { adminAddress: '127.0.0.1:0', ...options });
  return { operator, url: `http://${operator.controller.adminAddress}/` };
}

/** Serves the plugin `PostgreSQL`, which fails for tables whose name contains `broken`. */
export async function servePostgres({ operator }: OperatedPage): Promise<void> {
  await operator.plugin({
    name: 'PostgreSQL',
    reconcile: ({ base }) => {
      if (base.metadata.name.includes('broken')) throw new Error('relation "users" already exists \u202e<b>bold</b>');
      return { status: { by: 'PostgreSQL' } };
    },
  });
}

/** Fragment of the screen of a table. */
export function tableScreen(name: string): string {
  return `#/resources/myorg.org/v1alpha1/Table/default/${name}`;
}

/** Method of a service, as in the path of its URL. */
export type Method = `kplug.v1.${string}/${string}`;

/** Has calls of a method fail as they do for a user without rights, or for an operator with a fault. */
export async function failCalls(page: Page, method: Method, status: 401 | 403 | 500): Promise<void> {
  const codes = { 401: 'unauthenticated', 403: 'permission_denied', 500: 'internal' } as const;
  const body = JSON.stringify({ code: codes[status], message: 'made to fail by the test' });
  await page.route(`**/${method}`, (route) => route.fulfill({ status, contentType: 'application/json', body }));
}

/** Has calls of a method wait until the returned function is called. */
export async function holdCalls(page: Page, method: Method): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route(`**/${method}`, async (route) => {
    await promise;
    await route.continue();
  });
  return resolve;
}

/**
 * Starts a proxy that has a page below a path, as that of the API server does. `others` are the paths of requests beside it.
 *
 * @param prefix path that begins and ends with `/`.
 * @param change changes what is answered, without its length. Default: nothing is changed.
 */
export async function startPathProxy(
  url: string,
  prefix: string,
  change: (chunk: Buffer) => Buffer = (chunk) => chunk,
): Promise<{ url: string; others: readonly string[] }> {
  const others: string[] = [];
  const server = createServer((incoming, answer) => {
    const { url: path = '', method = 'GET', headers } = incoming;
    if (!path.startsWith(prefix)) {
      others.push(path);
      answer.writeHead(404).end();
      return;
    }
    const { host } = new URL(url);
    const given = { ...headers, host, ...(headers.origin ? { origin: `http://${host}` } : {}) };
    const passed = request(new URL(path.slice(prefix.length), url), { method, headers: given }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.on('data', (chunk: Buffer) => answer.write(change(chunk)));
      found.on('end', () => answer.end());
      found.on('error', () => answer.destroy());
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`, others };
}
