import { formatKey, parseKey } from './resource-key.ts';

/** A screen of the page. */
export type Route =
  | { readonly screen: 'overview' }
  | { readonly screen: 'resource'; readonly key: string }
  | { readonly screen: 'plugins'; readonly plugin: string }
  | { readonly screen: 'live' }
  | { readonly screen: 'unknown'; readonly path: string };

/** Stands for an empty part of a path. No group or namespace has this name. */
const none = '-';

/** Reads the fragment of a URL, such as `#/plugins/PostgreSQL?state=failing`. */
export function parseFragment(fragment: string): { route: Route; pathname: string; query: URLSearchParams } {
  const [path = '', query = ''] = fragment.replace(/^#/, '').split('?', 2);
  return { route: parsePath(path || '/'), pathname: path || '/', query: new URLSearchParams(query) };
}

function parsePath(path: string): Route {
  const unknown: Route = { screen: 'unknown', path };
  let parts: string[];
  try {
    parts = path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return unknown;
  }
  const [screen, ...rest] = parts;
  if (screen === '' && rest.length === 0) return { screen: 'overview' };
  if (screen === 'live' && rest.length === 0) return { screen: 'live' };
  if (screen === 'plugins' && rest.length <= 1) return { screen: 'plugins', plugin: rest[0] ?? '' };
  const key = rest.map((part) => (part === none ? '' : part)).join('/');
  return screen === 'resources' && parseKey(key) ? { screen: 'resource', key } : unknown;
}

/** Link to the overview. `query` is without a question mark. */
export function overviewLink(query = ''): string {
  return query ? `#/?${query}` : '#/';
}

/** Link to what happens now. `query` is without a question mark. */
export function liveLink(query = ''): string {
  return query ? `#/live?${query}` : '#/live';
}

/** Link to the screen of a resource; undefined if it isn't a key of one. */
export function resourceLink(key: string): string | undefined {
  const parsed = parseKey(key);
  if (!parsed) return undefined;
  return `#/resources/${formatKey(parsed)
    .split('/')
    .map((part) => (part ? encodeURIComponent(part) : none))
    .join('/')}`;
}

/** Link to the screen of a plugin. */
export function pluginLink(plugin: string): string {
  return `#/plugins/${encodeURIComponent(plugin)}`;
}
