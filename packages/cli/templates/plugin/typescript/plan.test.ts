import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DoesNotFit, plan } from './plan.ts';

const network = '10.20.0.0/22';

/** Returns the network of each subnet. */
function places(subnets: Record<string, number>, before: Record<string, string> = {}): Record<string, string> {
  const wanted = Object.entries(subnets).map(([name, hosts]) => ({ name, hosts }));
  const had = Object.entries(before).map(([name, place]) => ({ name, network: place }));
  return Object.fromEntries(plan({ network, subnets: wanted }, had).map((subnet) => [subnet.name, subnet.network]));
}

test('each subnet gets a block for its hosts', () => {
  assert.deepEqual(plan({ network: '10.20.0.0/22', subnets: [{ name: 'desks', hosts: 200 }] }), [
    { name: 'desks', network: '10.20.0.0/24', firstHost: '10.20.0.1', lastHost: '10.20.0.254' },
  ]);
  assert.deepEqual(places({ a: 254, b: 255, c: 2 }), { a: '10.20.0.0/24', b: '10.20.2.0/23', c: '10.20.1.0/30' });
});

test('existing subnets keep their place, and removed ones free theirs', () => {
  const before = places({ printers: 10, desks: 200, phones: 60 });
  assert.deepEqual(places({ phones: 60, cameras: 100, printers: 10 }, before), {
    phones: before.phones,
    cameras: '10.20.0.128/25',
    printers: before.printers,
  });
});

test("a subnet that outgrows its place moves, and the others don't", () => {
  const before = places({ desks: 100, phones: 60 });
  assert.deepEqual(places({ desks: 300, phones: 60 }, before), { desks: '10.20.2.0/23', phones: before.phones });
});

test('places that are outside of the network or overlap are not kept', () => {
  const before = { a: '10.99.0.0/24', b: '10.20.1.0/24', c: '10.20.1.0/24' };
  assert.deepEqual(places({ a: 200, b: 200, c: 200 }, before), {
    a: '10.20.0.0/24',
    b: '10.20.1.0/24',
    c: '10.20.2.0/24',
  });
});

test('too many hosts are an error that names the subnet', () => {
  const error = new DoesNotFit('10.20.0.0/22 has no space left for b with 600 hosts; choose a larger network');
  assert.throws(() => places({ a: 200, b: 600 }), error);
});
