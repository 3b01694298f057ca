import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonEquals } from '../../resources/json.ts';
import { describeKey, type JsonObject, type JsonValue, type ResourceKey } from '../../resources/resource.ts';
import type { Failure } from '../calls/attempt.ts';
import type { Gathered } from '../extensions/gather.ts';
import type { Claim } from './claims.ts';

const { maxRequestChanges, maxReportedDifferences } = limits.delegation;

/** Request of plugins for a base in its last pass. */
interface Request {
  /** Desired state of the base and its extensions. */
  input: string;
  /** Hash of the requested dependents. */
  hash: string;
  /** Number of passes in a row in which the request changed, although the input didn't. */
  changes: number;
  /** Requested dependents, kept while the request changes. */
  claims: readonly Claim[];
}

/** Change of a request in a pass. */
export interface RequestChange {
  /** Number of changes in a row. */
  changes: number;
  /** Dependents that differ from those of the pass before, with the fields; empty if that is unknown. */
  differences: readonly string[];
}

/** Counts how often plugins request other dependents than at the call before, although neither the base nor its extensions changed. */
export class RequestChanges {
  readonly #last = new Map<ResourceKey, Request>();

  /** Records the dependents that plugins request in a pass. */
  record(base: ResourceKey, gathered: Gathered, claims: readonly Claim[]): RequestChange {
    const input = describeInput(gathered);
    const hash = hashClaims(claims);
    const former = this.#last.get(base);
    const isChanged = former?.input === input && former.hash !== hash;
    const changes = isChanged ? former.changes + 1 : 0;
    this.#last.set(base, { input, hash, changes, claims: isChanged ? claims : [] });
    return { changes, differences: isChanged ? compareClaims(former.claims, claims) : [] };
  }

  /** Forgets a base that is gone. */
  forget(base: ResourceKey): void {
    this.#last.delete(base);
  }
}

/** Returns the failure of a request that changed too often. It is retried with back-off, so that it ends when the request is the same again. */
export function describeInstability({ changes, differences }: RequestChange): Failure | undefined {
  if (changes < maxRequestChanges) return undefined;
  const shown = differences.slice(0, maxReportedDifferences);
  const others = differences.length > shown.length ? [`${differences.length - shown.length} more`] : [];
  const message = `each of the last ${changes + 1} calls requested other dependents, although nothing else changed: ${[...shown, ...others].join('; ')}`;
  return { reason: 'DependentsUnstable', message, terminal: false, retryAfter: undefined };
}

function describeInput({ base, extensions }: Gathered): string {
  const versions = [base, ...extensions.values()].map(({ metadata: { uid, generation } }) => `${uid}/${generation}`);
  return versions.sort().join(' ');
}

/** Hashes dependents. The content of one that is only created may differ in each call, such as a generated password. */
function hashClaims(claims: readonly Claim[]): string {
  const hash = createHash('sha256');
  for (const claim of claims) hash.update(`${claim.key}\n${formatJson(contentOf(claim))}\n`);
  return hash.digest('base64');
}

function contentOf({ content: { fields, labels, annotations }, rules }: Claim): JsonObject {
  if (rules.policy === 'CreateOnly') return {};
  return { ...fields, metadata: { ...(labels && { labels }), ...(annotations && { annotations }) } };
}

/** Describes how dependents differ from former ones. */
function compareClaims(former: readonly Claim[], claims: readonly Claim[]): string[] {
  const name = ({ key }: Claim) => describeKey(key);
  const before = new Map(former.map((claim) => [claim.key, claim]));
  const now = new Map(claims.map((claim) => [claim.key, claim]));
  return [
    ...claims.flatMap((claim) => {
      const other = before.get(claim.key);
      if (!other) return `${name(claim)} is new`;
      const paths = differingPaths(contentOf(other), contentOf(claim));
      return paths.length > 0 ? `${name(claim)} differs in ${paths.join(', ')}` : [];
    }),
    ...former.filter(({ key }) => !now.has(key)).map((claim) => `${name(claim)} is missing`),
  ];
}

/** Returns the paths of the innermost fields in which two objects differ. */
function differingPaths(a: JsonObject, b: JsonObject, path = ''): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((name) => {
    const [one, other]: (JsonValue | undefined)[] = [a[name], b[name]];
    const inner = `${path}${name}`;
    if (isJsonObject(one) && isJsonObject(other)) return differingPaths(one, other, `${inner}.`);
    return jsonEquals(one, other) ? [] : [inner];
  });
}
