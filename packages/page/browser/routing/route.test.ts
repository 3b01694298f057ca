import { expect, it } from 'vitest';
import { nameOfKey } from './resource-key.ts';
import { overviewLink, parseFragment, pluginLink, resourceLink } from './route.ts';

const routeOf = (fragment: string | undefined) => parseFragment(fragment ?? '').route;

it.each([
  ['', { screen: 'overview' }],
  ['#/', { screen: 'overview' }],
  ['#/?state=failing', { screen: 'overview' }],
  ['#/live', { screen: 'live' }],
  ['#/plugins', { screen: 'plugins', plugin: '' }],
  ['#/nowhere', { screen: 'unknown', path: '/nowhere' }],
  ['#/resources/a/b', { screen: 'unknown', path: '/resources/a/b' }],
  ['#/plugins/%E0%A4%A', { screen: 'unknown', path: '/plugins/%E0%A4%A' }],
])('reads %s', (fragment, route) => {
  expect(routeOf(fragment)).toEqual(route);
});

it.each(['myorg.org/v1/Table/shop/users', '/v1/Secret/shop/a.b', 'myorg.org/v1/Cluster//one'])(
  'links to the resource %s and reads the link',
  (key) => {
    expect(routeOf(resourceLink(key))).toEqual({ screen: 'resource', key });
  },
);

it('links to plugins of any name, and not to what is no resource', () => {
  expect(routeOf(pluginLink('A/B?#%'))).toEqual({ screen: 'plugins', plugin: 'A/B?#%' });
  expect(resourceLink('PostgreSQL 1.2.0')).toBeUndefined();
});

it('has the filter in the query of the fragment', () => {
  expect(parseFragment(overviewLink('namespace=shop')).query.get('namespace')).toBe('shop');
});

it('names resources for people', () => {
  expect(nameOfKey('myorg.org/v1/Table/shop/users')).toBe('Table shop/users');
  expect(nameOfKey('myorg.org/v1/Cluster//one')).toBe('Cluster one');
  expect(nameOfKey('something else')).toBe('something else');
});
