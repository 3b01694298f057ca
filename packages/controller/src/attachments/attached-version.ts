const mark = 'attached.';

/** Returns the version of an attached plugin: its own with the attachment as build metadata, which ranges of versions ignore. */
export function attachedVersion(version: string, { namespace, name }: { namespace: string; name: string }): string {
  return `${version}${version.includes('+') ? '.' : '+'}${mark}${namespace}.${name}`;
}

/** Returns the namespace and the name of the attachment in the version of an attached plugin; `undefined` in any other version. */
export function attachmentOfVersion(version: string): string | undefined {
  const build = version.indexOf('+');
  const at = build < 0 ? -1 : version.indexOf(mark, build);
  return at < 0 ? undefined : version.slice(at + mark.length);
}
