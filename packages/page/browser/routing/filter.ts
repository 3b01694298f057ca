import { formatParts, readPart } from './query-parts.ts';

/** States of resources, as words of URLs. */
export const stateWords = ['ready', 'waiting', 'failing', 'deleting', 'paused'] as const;

/** A state of a resource. */
export type StateWord = (typeof stateWords)[number];

/** Filter of the table of resources. An empty part matches all. */
export interface Filter {
  readonly states: readonly StateWord[];
  readonly delegation: string;
  readonly namespace: string;
  readonly plugin: string;
  /** Id of a cause. */
  readonly cause: string;
  /** Words that must occur. */
  readonly text: string;
}

/** Filter that matches all. */
export const noFilter: Filter = { states: [], delegation: '', namespace: '', plugin: '', cause: '', text: '' };

/** Reads a filter from the query of a URL. What isn't known is left out. */
export function parseFilter(query: URLSearchParams): Filter {
  const part = (name: string) => readPart(query, name);
  const words = new Set(part('state').split(','));
  return {
    states: stateWords.filter((word) => words.has(word)),
    delegation: part('delegation'),
    namespace: part('namespace'),
    plugin: part('plugin'),
    cause: part('cause'),
    text: part('q'),
  };
}

/** Writes a filter as the query of a URL, without a question mark; empty for no filter. */
export function formatFilter({ states, delegation, namespace, plugin, cause, text }: Filter): string {
  return formatParts({ state: states.join(','), delegation, namespace, plugin, cause, q: text });
}

/** Reports whether a filter matches all. */
export function isNoFilter(filter: Filter): boolean {
  return formatFilter(filter) === '';
}
