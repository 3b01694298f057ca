import { randomUUID } from 'node:crypto';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type EventService, EventType, type ListEventsRequest } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import { limits } from '../limits/limits.ts';
import { readPageSize } from '../paging/page-request.ts';
import { formatPosition, readPosition } from '../paging/position-token.ts';
import { isKindNamed } from '../resources/kind-name.ts';
import { formatKey, isSameKind, parseKey, type ResourceKey } from '../resources/resource.ts';
import type { ListedEvent, RecentEvents } from '../telemetry/events.ts';
import { isOfKind } from './delegation-service.ts';
import { describeEvent, typeOf } from './describe-event.ts';
import { orInvalidToken } from './page-token.ts';

const { maxPageBytes } = limits.admin;

/** Implements `kplug.v1.EventService`: the Events that the operator recorded. */
export function eventService(
  delegations: () => Iterable<Delegation>,
  events: RecentEvents,
): ServiceImpl<typeof EventService> {
  // Positions of another process are those of other Events.
  const origin = randomUUID();
  const formatToken = (position: number) => formatPosition(position, origin);
  return {
    listEvents: (request) => {
      const after = orInvalidToken(readPosition(request.pageToken, origin));
      const known = [...delegations()].filter((delegation) => isOfKind(delegation, request.kind));
      const isWanted = wants(request, known);
      const all = eventsOfOne(request, known, events) ?? events.latest;
      const { page, last } = readPage(all, { after, isWanted, size: readPageSize(request) });
      if (page.length === 0 && !request.pageToken) requireKnown(request, known, [...delegations()]);
      const dropped = Math.min(request.name ? 0 : events.dropped, 2 ** 32 - 1);
      const tokens =
        last === undefined ? { followToken: formatToken(events.position) } : { nextPageToken: formatToken(last) };
      return { events: page.map(describeEvent), ...tokens, dropped };
    },
  };
}

/** Reads a page. `last` is the position of its last Event if there are more. */
function readPage(
  all: Iterable<ListedEvent>,
  { after, isWanted, size }: { after: number; isWanted: (event: ListedEvent) => boolean; size: number },
): { page: ListedEvent[]; last: number | undefined } {
  const page: ListedEvent[] = [];
  let bytes = 0;
  for (const event of all) {
    if (event.position <= after || !isWanted(event)) continue;
    if (page.length >= size || bytes > maxPageBytes) return { page, last: page.at(-1)?.position };
    page.push(event);
    bytes += event.message.length + event.regarding.length;
  }
  return { page, last: undefined };
}

function wants(
  { kind, namespace, name, type }: ListEventsRequest,
  known: readonly Delegation[],
): (event: ListedEvent) => boolean {
  return (event) => {
    if (type !== EventType.UNSPECIFIED && type !== typeOf(event)) return false;
    if (!kind && !namespace && !name) return true;
    const target = parseKey(event.regarding);
    const isOfKnown = known.some(({ settings: { base } }) => isSameKind(base, target));
    if (kind && !isOfKnown && !isKindNamed(target, kind)) return false;
    if (namespace && target.namespace && target.namespace !== namespace) return false;
    return !name || target.name === name;
  };
}

/** Returns the Events of a delegated resource that a request names, of which more are in memory than in the list of all. */
function eventsOfOne(
  request: ListEventsRequest,
  known: readonly Delegation[],
  events: RecentEvents,
): readonly ListedEvent[] | undefined {
  const key = findDelegated(request, known);
  return key === undefined ? undefined : events.of(key);
}

function findDelegated({ namespace, name }: ListEventsRequest, known: readonly Delegation[]): ResourceKey | undefined {
  if (!name) return undefined;
  for (const delegation of known) {
    for (const place of new Set([namespace, ''])) {
      const key = formatKey({ ...delegation.settings.base, namespace: place, name });
      if (delegation.get(key)) return key;
    }
  }
  return undefined;
}

/** Throws `not_found` for a kind that isn't delegated, and for a resource that does not exist. */
function requireKnown(request: ListEventsRequest, known: readonly Delegation[], all: readonly Delegation[]): void {
  const { kind, namespace, name } = request;
  if (!kind) return;
  if (known.length === 0) {
    const kinds = [...new Set(all.map(({ settings }) => settings.base.kind))].sort().join(', ');
    const advice = kinds ? `the operator reconciles ${kinds}` : 'the operator has no delegation';
    throw new ConnectError(`no Events of ${kind}, which is not delegated; ${advice}`, Code.NotFound);
  }
  if (!name || !namespace || findDelegated(request, known)) return;
  throw new ConnectError(`no delegated ${kind} is named ${name} in the namespace ${namespace}`, Code.NotFound);
}
