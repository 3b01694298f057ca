import type { Identity } from './identity.ts';
import { ownerOf } from './identity.ts';

/** Ownership of one plugin name. Times in milliseconds since the epoch. */
interface Ownership {
  owner: string;
  /** Number of instances. */
  instances: number;
  /** Time at which the last instance was removed. */
  goneAt: number;
}

/** Plugin name with its owner. */
export interface OwnedName {
  /** Name in lower case. */
  name: string;
  owner: string;
  /** Number of instances. */
  instances: number;
  /** Time from which on others may take the name, in milliseconds since the epoch; `undefined` while there are instances. */
  until: number | undefined;
}

/**
 * Owners of plugin names. A name belongs to the identity that registered it first, until its last instance has been gone for the
 * retention time; that of a process of the operator's machine until it is gone. Names that nobody proved an identity for have no owner.
 */
export class NameOwners {
  readonly #retention: number;
  readonly #now: () => number;
  readonly #names = new Map<string, Ownership>();

  /** @param retention time in milliseconds. */
  constructor(retention: number, now: () => number = () => Date.now()) {
    this.#retention = retention;
    this.#now = now;
  }

  /** Returns the owner of a name if it is another one than `identity`. Unproven identities own nothing and are refused nothing. */
  otherOwner(name: string, identity: Identity): { owner: string; availableAt: number | undefined } | undefined {
    if (!isOwner(identity)) return undefined;
    const known = this.#names.get(name);
    if (!known || known.owner === ownerOf(identity) || this.#isExpired(known)) return undefined;
    return { owner: known.owner, availableAt: known.instances > 0 ? undefined : known.goneAt + this.#retention };
  }

  /** Records a new instance of a plugin. */
  add(name: string, identity: Identity): void {
    if (!isOwner(identity)) return;
    const owner = ownerOf(identity);
    const known = this.#names.get(name);
    if (known?.owner === owner) known.instances++;
    else this.#names.set(name, { owner, instances: 1, goneAt: 0 });
  }

  /** Records the removal of an instance of a plugin. */
  remove(name: string, identity: Identity): void {
    const known = this.#names.get(name);
    if (known?.owner !== ownerOf(identity)) return;
    known.instances--;
    if (known.instances > 0) return;
    known.goneAt = this.#now();
    this.#prune();
  }

  /** Restores the owner of a name whose plugin was seen last at a time. */
  restore(name: string, owner: string, seenAt: number): void {
    const known = this.#names.get(name);
    if (known?.owner === owner) known.goneAt = Math.max(known.goneAt, seenAt);
    else if (owner !== 'anonymous' && !known) this.#names.set(name, { owner, instances: 0, goneAt: seenAt });
  }

  /** Returns the names that belong to someone now. */
  list(): OwnedName[] {
    return [...this.#names].flatMap(([name, known]) => {
      if (this.#isExpired(known)) return [];
      const { owner, instances, goneAt } = known;
      return [{ name, owner, instances, until: instances > 0 ? undefined : goneAt + this.#retention }];
    });
  }

  /** Forgets names whose retention has ended, the oldest first, so that their number stays that of the last retention time. */
  #prune(): void {
    for (const [name, known] of this.#names) if (this.#isExpired(known)) this.#names.delete(name);
  }

  #isExpired({ owner, instances, goneAt }: Ownership): boolean {
    // A plugin of the operator's folder is removed by the operator's owner, who may then run it in pods of its own.
    const retention = owner === 'local' ? 0 : this.#retention;
    return instances === 0 && this.#now() - goneAt >= retention;
  }
}

/** Reports whether an identity can own a name. An attached plugin has the name of the one for which it stands in. */
function isOwner({ kind }: Identity): boolean {
  return kind !== 'anonymous' && kind !== 'attachment';
}
