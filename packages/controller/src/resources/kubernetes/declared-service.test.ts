import { describe, expect, it } from 'vitest';
import type { JsonObject, Resource } from '../resource.ts';
import { findEndpoints } from './declared-service.ts';

const metadata = { uid: '1', generation: 1, resourceVersion: '1', creationTimestamp: '' };

function service(spec: JsonObject): Resource {
  return { apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, name: 'foo' }, spec };
}

function slice(fields: JsonObject): Resource {
  const whole = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { ...metadata, name: 'foo-1' } };
  const resource = { ...whole, addressType: 'IPv4', ...fields };
  return resource;
}

const grpc = { name: 'grpc', port: 7000 };
const metrics = { name: 'metrics', port: 8080 };
const two = service({ ports: [grpc, metrics] });
const endpoints = [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'], conditions: { ready: true } }];
const ports = [
  { name: 'metrics', port: 18080 },
  { name: 'grpc', port: 17000 },
];

describe('the endpoints of a Service', () => {
  it.each([[7000], ['7000'], ['grpc']])('have the target port of the port %s', (port) => {
    const found = findEndpoints({ name: 'foo', port }, two, [slice({ endpoints, ports })]);
    expect(found).toEqual({
      endpoints: [
        { address: '10.0.0.1:17000', state: 'ready' },
        { address: '10.0.0.2:17000', state: 'ready' },
      ],
    });
  });

  it('have the only port when none is given, and are missing when there are several', () => {
    const unnamed = slice({ endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ name: '', port: 17000 }] });
    const found = findEndpoints({ name: 'foo' }, service({ ports: [{ port: 7000 }] }), [unnamed]);
    expect(found.endpoints).toEqual([{ address: '10.0.0.1:17000', state: 'ready' }]);
    expect(findEndpoints({ name: 'foo' }, two, [slice({ endpoints, ports })]).problem).toEqual({
      reason: 'PortNotFound',
      message:
        'the Service foo has several ports, and the reference names none; use one of 7000 (grpc), 8080 (metrics)',
    });
  });

  it('have the IP family that the Service prefers', () => {
    const both = service({ ports: [grpc], ipFamilies: ['IPv6', 'IPv4'] });
    const ipv6 = slice({ addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }], ports });
    const found = findEndpoints({ name: 'foo' }, both, [slice({ endpoints, ports }), ipv6]);
    expect(found.endpoints).toEqual([{ address: '[fd00::1]:17000', state: 'ready' }]);
  });

  it('have the state of their conditions, without duplicates, with their pods', () => {
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'foo-1' };
    const ready = { addresses: ['10.0.0.3'], conditions: { ready: true } };
    const slices = [
      slice({
        ports,
        endpoints: [
          { addresses: ['10.0.0.1'], conditions: { ready: false, terminating: true, serving: true }, targetRef },
          { addresses: ['10.0.0.2'], conditions: { ready: false } },
          ready,
        ],
      }),
      slice({ ports, endpoints: [{ ...ready, conditions: { ready: false } }] }),
    ];
    expect(findEndpoints({ name: 'foo', port: 'grpc' }, two, slices)).toEqual({
      endpoints: [
        { address: '10.0.0.1:17000', state: 'terminating', pod: { namespace: 'default', name: 'foo-1' } },
        { address: '10.0.0.2:17000', state: 'unready' },
        { address: '10.0.0.3:17000', state: 'ready' },
      ],
    });
  });

  it.each<[string, Resource | undefined, Resource[], string, RegExp]>([
    ['there is no Service', undefined, [], 'ServiceNotFound', /there is no Service foo in this namespace/],
    [
      'it is an alias of a name',
      service({ type: 'ExternalName', externalName: 'example.org' }),
      [],
      'ServiceHasNoEndpoints',
      /use "address: example\.org:PORT"/,
    ],
    ['it has no selector', service({ ports: [grpc] }), [], 'ServiceSelectsNothing', /it has no selector/],
    [
      'the pods have no such port',
      two,
      [slice({ endpoints, ports: [{ name: 'metrics', port: 1 }] })],
      'PortNotFound',
      /check its targetPort/,
    ],
    [
      'none is ready',
      two,
      [slice({ ports, endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: false } }] })],
      'NoReadyEndpoint',
      /has 1 endpoint, and none is ready/,
    ],
  ])('are explained when %s', (_, found, slices, reason, message) => {
    const { problem } = findEndpoints({ name: 'foo', port: 7000 }, found, slices);
    expect(problem).toEqual({ reason, message: expect.stringMatching(message) as string });
  });
});
