import { expect, it } from 'vitest';
import { readOperatorPod } from './operator-pod.ts';

const podWith = (container: object, more: object = {}) =>
  readOperatorPod({
    metadata: { name: 'kplug-0', namespace: 'system', labels: { 'app.kubernetes.io/instance': 'blue' } },
    spec: { containers: [{ name: 'operator', ...container }] },
    ...more,
  });

it('flags configure an operator', () => {
  const args = [
    ...['--enable-leader-election', '--leader-election-lease-name=lease', '--no-follow-delegations'],
    ...['--namespace=a,b', '--namespace', 'c', '-n', 'd', '--operator-name', 'blue', '--plugin-namespace=p'],
    '--insecure-plugins-from=legacy,10.1.0.0/16,2001:db8::1',
  ];
  expect(podWith({ args })).toMatchObject({
    installation: 'system/blue',
    serviceAccount: 'default',
    namespaces: ['a', 'b', 'c', 'd'],
    pluginNamespaces: ['p'],
    insecureNamespaces: ['legacy'],
    followsDelegations: false,
    operatorName: 'blue',
    electsLeader: true,
    leaseName: 'lease',
  });
});

it('a variable counts if its flag is not given', () => {
  const env = [
    { name: 'KPLUG_ENABLE_LEADER_ELECTION', value: 'true' },
    { name: 'KPLUG_OPERATOR_NAME', value: 'green' },
    { name: 'KPLUG_FOLLOW_DELEGATIONS', value: 'false' },
    { name: 'OTHER', valueFrom: {} },
  ];
  const given = podWith({ args: ['--operator-name=blue'], env });
  expect(given).toMatchObject({ electsLeader: true, operatorName: 'blue', followsDelegations: false });
});

it('defaults apply without flags and variables', () => {
  const defaults = {
    namespaces: [],
    followsDelegations: true,
    operatorName: '',
    electsLeader: false,
    leaseName: 'kplug',
  };
  expect(podWith({})).toMatchObject(defaults);
});

it('a pod that has ended is ignored', () => {
  expect(podWith({}, { status: { phase: 'Failed' } })).toBeUndefined();
});

it.each([
  [[], { isSecured: false, certificates: { from: 'operator', name: 'kplug', bundleNamespaces: [] } }],
  [['--grpc-bind-address=127.0.0.1:50050'], { isSecured: false }],
  [['--grpc-bind-address', '[::1]:50050'], { isSecured: false }],
  [
    ['--grpc-bind-address=:50050', '--tls-name=blue', '--tls-ca-namespace=a', '--tls-ca-namespace=b'],
    { isSecured: true, certificates: { from: 'operator', name: 'blue', bundleNamespaces: ['a', 'b'] } },
  ],
  [
    ['--grpc-bind-address=[::]:50050', '--tls-secret-name=own'],
    { isSecured: true, certificates: { from: 'secret', name: 'own' } },
  ],
  [['--grpc-bind-address=0.0.0.0:50050', '--tls-cert-dir=/tls'], { isSecured: true, certificates: { from: 'folder' } }],
])('%j tells the certificates and whether identities are verified', (args, expected) => {
  expect(podWith({ args })).toMatchObject(expected);
});
