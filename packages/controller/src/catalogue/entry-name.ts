import { createHash } from 'node:crypto';

/** Maximum length of a part of a name. Registered categories and types are no longer. */
const maxPartLength = 63;

/** Length of a digest in hexadecimal digits: long enough that no plugin finds a category and a type with the digest of others. */
const digestLength = 20;

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
  const digest = createHash('sha256').update(JSON.stringify(exact)).digest('hex').slice(0, digestLength);
  return [...parts, ...(isExact ? [] : [digest]), operator].join('.');
}

function labelOf(text: string): string {
  const label = text.replace(/[^a-z0-9-]/g, '-').slice(0, maxPartLength);
  return label.replace(/^-+|-+$/g, '') || 'x';
}
