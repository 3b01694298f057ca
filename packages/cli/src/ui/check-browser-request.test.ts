import { expect, it } from 'vitest';
import { checkBrowserRequest } from './check-browser-request.ts';

const here = { port: 8083, secret: 'abc' };
const check = (url: string, headers: Record<string, string> = {}) =>
  checkBrowserRequest({ url, headers: { host: '127.0.0.1:8083', ...headers } }, here);

it('passes on what the page asks for, by the path after the secret', () => {
  expect(check('/abc/')).toEqual({ path: '/' });
  expect(check('/abc/assets/a.js?x=1', { host: 'localhost:8083' })).toEqual({ path: '/assets/a.js?x=1' });
  const headers = { origin: 'http://127.0.0.1:8083', 'sec-fetch-site': 'same-origin' };
  expect(check('/abc/kplug.v1.RegistryService/ListPlugins', headers)).toEqual({
    path: '/kplug.v1.RegistryService/ListPlugins',
  });
});

// Other users of this machine reach the port, too.
it.each(['/', '/abc', '/abd/', '/abcd/', '/%61bc/', '/x/../abc/', '//abc/'])(
  'refuses %s, without the secret',
  (url) => {
    expect(check(url)).toMatchObject({ status: 404 });
  },
);

it.each([
  ['a name that leads here', { host: 'evil.example:8083' }],
  ['another port of this machine', { host: '127.0.0.1:8084' }],
  ['no host', { host: '' }],
  ['a page of another origin', { origin: 'http://evil.example' }],
  ['a page of another local port', { origin: 'http://localhost:8083' }],
  ['an opaque origin', { origin: 'null' }],
  ['an image of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
])('refuses %s', (_, headers) => {
  expect(check('/abc/', headers)).toMatchObject({ status: 403 });
});

it('serves a link that was clicked elsewhere', () => {
  expect(check('/abc/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toEqual({ path: '/' });
});
