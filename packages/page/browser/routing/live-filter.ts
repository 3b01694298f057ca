import { formatParts, readPart } from './query-parts.ts';

/** Kinds of activities that can be chosen, as words of URLs. */
export const activityKinds = ['passes', 'events', 'instances'] as const;

/** A kind of activities. */
export type ActivityKind = (typeof activityKinds)[number];

/** Filter of what happens now. An empty part matches all. */
export interface LiveFilter {
  readonly kind: ActivityKind | '';
  readonly delegation: string;
  /** Words that must occur. */
  readonly text: string;
}

/** Reads a kind of activities; empty for one that isn't known. */
export function readKind(text: string): ActivityKind | '' {
  return activityKinds.find((one) => one === text) ?? '';
}

/** Reads a filter from the query of a URL. What isn't known is left out. */
export function parseLiveFilter(query: URLSearchParams): LiveFilter {
  return {
    kind: readKind(readPart(query, 'kind')),
    delegation: readPart(query, 'delegation'),
    text: readPart(query, 'q'),
  };
}

/** Writes a filter as the query of a URL, without a question mark; empty for no filter. */
export function formatLiveFilter({ kind, delegation, text }: LiveFilter): string {
  return formatParts({ kind, delegation, q: text });
}
