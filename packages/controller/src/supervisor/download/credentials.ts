import { limits } from '../../limits/limits.ts';

const { maxShownLength } = limits.downloads;

/** Returns a URL for messages: without user name, password, query and fragment, each of which may be a credential. */
export function displayUrl({ protocol, host, pathname }: URL): string {
  return cut(`${protocol}//${host}${pathname}`);
}

/** Removes what may be a credential from a text that may contain URLs, valid or not: user names and passwords, queries, fragments. */
export function withoutCredentials(text: string): string {
  const withoutUsers = text.replaceAll(/(\w[\w+.-]*:\/\/)?\S*@/g, (match, scheme: string | undefined) =>
    scheme || match.includes(':') ? (scheme ?? '') : match,
  );
  return cut(withoutUsers.replaceAll(/\?\S*/g, '').replaceAll(/(:\/\/[^\s#]*)#\S*/g, '$1'));
}

/** Returns the value of the header Authorization for the user name and password of a URL, if it has any. */
export function authorizationOf({ username, password }: URL): string | undefined {
  if (!username && !password) return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function cut(text: string): string {
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text;
}
