import type { Stats } from 'node:fs';

/** User as which a process accesses files. */
export interface FileUser {
  uid: number;
  gid: number;
}

/** File or folder that other users of this machine may read or change. */
export interface Exposure {
  path: string;
  /** Access that others have. */
  access: 'read' | 'write';
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number;
  /** User ID of the owner. */
  owner: number;
  /** User ID of this process. */
  user: number;
  /** Command that ends the access. */
  remedy: string;
}

/** Permission bits of an access, for group and others. */
const bits = { read: { group: 0o040, others: 0o004 }, write: { group: 0o020, others: 0o002 } };

/** Returns the user of this process; `undefined` on systems without user IDs. */
export function currentUser(): FileUser | undefined {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/**
 * Returns the exposure of a file or folder, if others than root and the user have an access. Its owner always has. A group counts as the
 * user alone if it is the user's own and has the user's number, as the private groups of most distributions and the `fsGroup` of
 * Kplug's charts.
 */
export function exposureOf(
  path: string,
  { mode, uid: owner, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>,
  access: Exposure['access'],
  user: FileUser,
): Exposure | undefined {
  const exposure = { path, access, mode: mode & 0o7777, owner, user: user.uid };
  if (owner !== 0 && owner !== user.uid) return { ...exposure, remedy: `chown ${user.uid} ${quote(path)}` };
  const isPrivateGroup = gid === user.gid && user.gid === user.uid;
  const group = (mode & bits[access].group) !== 0 && !isPrivateGroup;
  const others = (mode & bits[access].others) !== 0;
  if (!group && !others) return undefined;
  const who = `${group ? 'g' : ''}${others ? 'o' : ''}`;
  return { ...exposure, remedy: `chmod ${who}-${access === 'read' ? 'r' : 'w'} ${quote(path)}` };
}

/** Describes an exposure and its remedy, for messages. */
export function describeExposure({ path, access, mode, owner, user, remedy }: Exposure): string {
  const verb = access === 'read' ? 'read' : 'change';
  const facts = `mode ${mode.toString(8).padStart(4, '0')}, owner ${owner}; the operator runs as ${user}`;
  return `other users may ${verb} ${path} (${facts}); run ${remedy}`;
}

/** Quotes a path for a shell. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
