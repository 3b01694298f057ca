import { coerce, type SemVer, satisfies, validRange } from 'semver';

/** Capability that resources may ask for, in the versions that a candidate provides. */
export interface CapabilityOffer {
  readonly category: string;
  readonly type: string;
  readonly versions: readonly string[];
}

/** Capability that a resource asks for. Category and type are compared without regard to case. */
export interface WantedCapability {
  readonly category: string;
  readonly type: string;
  /** Version, range of versions as in semantic versioning, or empty for the newest one. */
  readonly version: string;
}

/** Capability in one version. */
export interface ResolvedCapability {
  readonly category: string;
  readonly type: string;
  readonly version: string;
}

/** Returns the versions of an offer that a resource accepts, the newest first. A version that is stated exactly excludes others. */
export function acceptedVersions(offer: CapabilityOffer, wanted: WantedCapability): string[] {
  if (!isSameType(offer, wanted)) return [];
  if (offer.versions.includes(wanted.version)) return [wanted.version];
  const range = wanted.version === '' ? '*' : validRange(wanted.version);
  if (range === null) return [];
  const accepted = offer.versions.filter((version) => {
    const parsed = coerce(version);
    return wanted.version === '' || (parsed !== null && satisfies(parsed, range));
  });
  return accepted.sort(compareVersions);
}

/**
 * Resolves the version of a capability that a resource gets: the one that it has, while that is provided and accepted, and otherwise the
 * newest one. Returns `undefined` if no offer has an accepted one.
 */
export function resolveCapability(
  offers: readonly CapabilityOffer[],
  wanted: WantedCapability,
  held: ResolvedCapability | undefined,
): ResolvedCapability | undefined {
  for (const offer of offers) {
    const accepted = acceptedVersions(offer, wanted);
    const kept = held && isSameType(offer, held) && accepted.includes(held.version) ? held.version : undefined;
    const version = kept ?? accepted[0];
    if (version !== undefined) return { category: offer.category, type: offer.type, version };
  }
  return undefined;
}

/** Explains that a capability isn't provided, and names the nearest ones that are. */
export function explainMissing(
  wanted: WantedCapability,
  offers: readonly { plugin: string; offers: readonly CapabilityOffer[] }[],
): string {
  const all = offers.flatMap(({ plugin, offers: ofPlugin }) => ofPlugin.map((offer) => ({ ...offer, plugin })));
  const subject = `${wanted.type}${wanted.version && ` ${wanted.version}`} isn't provided`;
  const ofType = all.filter((offer) => isSameType(offer, wanted));
  if (ofType.length > 0) {
    const lists = ofType.map(({ type, versions, plugin }) => {
      return `${type} ${listVersions(versions)} ${versions.length > 1 ? 'are' : 'is'}, by ${plugin}`;
    });
    return `${subject}; ${lists.join('; ')}`;
  }
  const ofCategory = all.filter(({ category }) => equal(category, wanted.category));
  if (ofCategory.length > 0)
    return `${subject}; the category ${wanted.category} has ${list(ofCategory.map(({ type }) => type))}`;
  if (all.length === 0) return `${subject}; no plugin provides any capability`;
  return `${subject}; no plugin provides the category ${wanted.category}, but ${list(all.map(({ category }) => category))}`;
}

/** Orders versions, the newest first: by the numbers that they begin with, and then as texts. */
export function compareVersions(a: string, b: string): number {
  return compareParsed({ version: a, parsed: coerce(a) }, { version: b, parsed: coerce(b) });
}

/** Returns versions in the order of `compareVersions`, without duplicates. Each is parsed once. */
export function newestFirst(versions: Iterable<string>): string[] {
  const parsed = [...new Set(versions)].map((version) => ({ version, parsed: coerce(version) }));
  return parsed.sort(compareParsed).map(({ version }) => version);
}

interface ParsedVersion {
  version: string;
  parsed: SemVer | null;
}

function compareParsed(
  { version: a, parsed: left }: ParsedVersion,
  { version: b, parsed: right }: ParsedVersion,
): number {
  if (left && right && left.compare(right) !== 0) return right.compare(left);
  if (Boolean(left) !== Boolean(right)) return left ? -1 : 1;
  return a === b ? 0 : a < b ? 1 : -1;
}

function isSameType(a: { category: string; type: string }, b: { category: string; type: string }): boolean {
  return equal(a.category, b.category) && equal(a.type, b.type);
}

function equal(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Lists versions, the oldest first: `14 to 17` for successive numbers. */
function listVersions(versions: readonly string[]): string {
  const sorted = versions.toSorted((a, b) => compareVersions(b, a));
  const [first, last] = [sorted[0] ?? '', sorted.at(-1) ?? ''];
  const isSuccessive = sorted.every((version, index) => version === String(Number(first) + index));
  return sorted.length > 2 && isSuccessive ? `${first} to ${last}` : list(sorted);
}

function list(texts: readonly string[]): string {
  const unique = [...new Set(texts)];
  if (unique.length <= 1) return unique.join();
  return `${unique.slice(0, -1).join(', ')} and ${unique.at(-1)}`;
}
