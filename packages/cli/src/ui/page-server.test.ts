import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { PageServer } from './page-server.ts';

/** Starts an operator's stand-in that this test controls, and a page server before it. */
async function start(listener: http.RequestListener, authorization?: () => Promise<string | undefined>) {
  const operator = http.createServer(listener);
  await new Promise<void>((resolve) => operator.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    operator.close();
    operator.closeAllConnections();
  });
  let failures = 0;
  const failed = () => {
    failures += 1;
  };
  const url = `http://127.0.0.1:${(operator.address() as AddressInfo).port}`;
  const upstream = { current: async () => ({ url }), failed };
  const server = new PageServer(upstream, authorization);
  await server.listen([0]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { url: server.url, failures: () => failures, operator };
}

it('sends the token of the user with requests to act, and with no other; and nothing else of the browser', async () => {
  const { url } = await start(
    (request, response) => void response.end(JSON.stringify(request.headers)),
    async () => 'Bearer mine',
  );
  const ask = async (path: string) => {
    const headers = { cookie: 'a=b', authorization: 'Bearer other', 'connect-protocol-version': '1' };
    return (await (await fetch(url + path, { headers })).json()) as Record<string, string>;
  };
  expect((await ask('kplug.v1.ActionService/DrainInstance')).authorization).toBe('Bearer mine');
  const read = await ask('kplug.v1.RegistryService/ListPlugins');
  expect(read.authorization).toBeUndefined();
  expect(read.cookie).toBeUndefined();
  expect(read['connect-protocol-version']).toBe('1');
});

it('passes on each part of a stream when it comes, and ends it when the browser goes', async () => {
  const closed = Promise.withResolvers<void>();
  const { url } = await start((_, response) => {
    response.write('one');
    response.once('close', closed.resolve);
  });
  const leaving = new AbortController();
  const response = await fetch(`${url}stream`, { signal: leaving.signal });
  const { value } = (await response.body?.getReader().read()) ?? {};
  expect(Buffer.from(value ?? []).toString()).toBe('one');
  leaving.abort();
  await closed.promise;
});

it('passes on status, headers and body of both sides', async () => {
  const { url } = await start((request, response) => {
    response.writeHead(418, { etag: '"a"', 'content-type': 'text/plain' });
    request.pipe(response);
  });
  const response = await fetch(`${url}x`, { method: 'POST', body: 'sent', headers: { 'content-type': 'text/plain' } });
  expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([418, '"a"', 'sent']);
});

it('says so when the operator does not answer, and looks for it again', async () => {
  const { url, operator, failures } = await start((_, response) => void response.end());
  operator.close();
  operator.closeAllConnections();
  const response = await fetch(url);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('ECONNREFUSED');
  expect(failures()).toBe(1);
});

it('tries the next port when one is in use, unless there is none', async () => {
  const { url } = await start((_, response) => void response.end());
  const taken = Number(new URL(url).port);
  const upstream = { current: () => Promise.reject(new Error('not asked')), failed: () => undefined };
  await using second = new PageServer(upstream);
  await second.listen([taken, 0]);
  expect(new URL(second.url).port).not.toBe(String(taken));
  await using third = new PageServer(upstream);
  await expect(third.listen([taken])).rejects.toThrow(`the port ${taken} is in use; choose another with --port`);
});
