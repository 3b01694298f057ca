import { createHash } from 'node:crypto';
import { limits } from '../limits/limits.ts';

const { maxNamePartLength, nameDigestLength } = limits.catalogue;

/** Category and type of a capability, and the operator that lists it. */
export interface EntryKey {
  category: string;
  type: string;
  /** Namespace of the operator. */
  operator: string;
}

/**
 * Returns the name of an entry, a DNS subdomain: `database.postgresql.kplug-system`. Equal for categories and types that differ only in case.
 * Those with characters that DNS labels don't have get a further label with a digest, so that no two others have the same name.
 */
export function entryNameOf({ category, type, operator }: EntryKey): string {
  const exact = [category.toLowerCase(), type.toLowerCase()];
  const parts = exact.map(labelOf);
  const isExact = parts.every((part, index) => part === exact[index]);
  const digest = createHash('sha256').update(JSON.stringify(exact)).digest('hex').slice(0, nameDigestLength);
  return [...parts, ...(isExact ? [] : [digest]), operator].join('.');
}

function labelOf(text: string): string {
  const label = text.replace(/[^a-z0-9-]/g, '-').slice(0, maxNamePartLength);
  return label.replace(/^-+|-+$/g, '') || 'x';
}
