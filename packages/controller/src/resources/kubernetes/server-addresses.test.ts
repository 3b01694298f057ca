import { expect, it } from 'vitest';
import { serverAddresses } from './server-addresses.ts';

it.each([
  ['https://10.0.0.1:6443', {}, ['10.0.0.1:6443']],
  ['https://api.example.org/prefix', {}, ['api.example.org:443']],
  ['http://127.0.0.1', {}, ['127.0.0.1:80']],
  [
    'https://[fd00::1]:6443',
    { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' },
    ['[fd00::1]:6443', '10.96.0.1:443'],
  ],
  [
    'https://10.96.0.1:443',
    { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' },
    ['10.96.0.1:443'],
  ],
])('the API server of %s in %j is at %j', (server, env, addresses) => {
  expect(serverAddresses(server, env)).toEqual(addresses);
});
