/** Stands for an empty part of the path of a screen: no API group, or no namespace. */
const none = '-';

/** Returns the fragment of a URL that shows the screen of a resource. @param key key of the resource, as the operator writes it */
export function screenOf(key: string): string {
  const parts = key.split('/').map((part) => (part === '' ? none : encodeURIComponent(part)));
  return `#/resources/${parts.join('/')}`;
}
