import { expect, it } from 'vitest';
import { checkDelegatedDefinition, type DelegatedDefinition } from './check-definitions.ts';
import { rightsNeeded } from './check-rights.ts';
import type { OperatorPod } from './operator-pod.ts';

const pod = {
  namespace: 'system',
  namespaces: ['one', 'two'],
  pluginNamespaces: [],
  insecureNamespaces: [],
  electsLeader: false,
  followsDelegations: false,
  isSecured: false,
} as unknown as OperatorPod;

const secret = { apiVersion: 'v1', kind: 'Secret' };
const secrets = { plural: 'secrets', namespaced: true, hasStatus: true };
const nodes = { plural: 'nodes', namespaced: false, hasStatus: true };

it('requires the right to read the kinds that plugins may require, and none to write them', () => {
  const without = rightsNeeded(pod, []);
  const needed = rightsNeeded(pod, [
    { kind: secret, role: 'required', served: secrets as never },
    { kind: { apiVersion: 'v1', kind: 'Node' }, role: 'required', served: nodes as never },
  ]);
  const verbs = ['list', 'watch'];
  expect(needed.slice(without.length)).toEqual([
    { group: '', resource: 'secrets', verbs, namespace: 'one' },
    { group: '', resource: 'secrets', verbs, namespace: 'two' },
    { group: '', resource: 'nodes', verbs, namespace: undefined },
  ]);
});

it('warns of a kind that plugins may require and that does not exist, and checks no status of one that does', () => {
  const definition: DelegatedDefinition = {
    delegation: 'tables',
    kind: secret,
    role: 'required',
    served: { value: undefined },
    definition: { value: undefined },
    similar: [],
  };
  const advice = 'install its CustomResourceDefinition, or correct "requirements.kinds" of the delegation';
  expect(checkDelegatedDefinition(definition)).toMatchObject([{ outcome: 'warning', advice: [advice] }]);
  expect(checkDelegatedDefinition({ ...definition, served: { value: secrets as never } })).toEqual([]);
});
