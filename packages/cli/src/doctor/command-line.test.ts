import { expect, it } from 'vitest';
import { kplugCommand, kubectlCommand } from './command-line.ts';

it.each([
  [{ manifests: '.' }, 'kplug explain Table/users'],
  [{ manifests: 'my tables' }, "kplug explain Table/users --manifests 'my tables'"],
  [{ manifests: '.', admin: ':8082', cluster: true }, 'kplug explain Table/users --admin :8082'],
  [{ manifests: '.', cluster: true }, 'kplug explain Table/users --cluster'],
  [
    { manifests: '.', context: 'kind-kind', operatorNamespace: 'system' },
    'kplug explain Table/users --context kind-kind --operator-namespace system',
  ],
])('a command line for the same operator has the same options: %j', (choice, line) => {
  expect(kplugCommand(choice, 'explain', 'Table/users')).toBe(line);
});

it('special characters of a shell are quoted', () => {
  expect(kubectlCommand({ context: "it's" }, 'get', 'pods')).toBe(`kubectl --context 'it'\\''s' get pods`);
});
