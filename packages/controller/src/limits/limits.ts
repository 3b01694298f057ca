// limits/: every size, count and time limit, with its default, range, unit and setting.
import { admin, telemetry } from './admin.ts';
import { attachments } from './attachments.ts';
import { authentication } from './authentication.ts';
import { calls, connections, discovery, selection } from './calls.ts';
import { catalogue } from './catalogue.ts';
import { certificates } from './certificates.ts';
import { delegation, delegationResources, expressions, readiness } from './delegation.ts';
import { heartbeat, identity, pluginResources, registry } from './heartbeat.ts';
import { events, kubernetes } from './kubernetes.ts';
import type { LimitGroup } from './limit.ts';
import { downloads, pluginsFolder } from './plugins-folder.ts';
import { ports } from './ports.ts';
import { queue } from './queue.ts';
import { recording } from './recording.ts';
import { flaps, holders, registrations } from './registrations.ts';
import { directory, resources } from './resources.ts';
import { states } from './states.ts';
import { testingOperators } from './testing-operators.ts';
import { watches } from './watches.ts';

/** All limits of the controller, by part. `docs/limits.md` is generated from this table. */
export const limitTable = {
  ports,
  heartbeat,
  registry,
  identity,
  authentication,
  registrations,
  holders,
  flaps,
  attachments,
  watches,
  selection,
  connections,
  calls,
  certificates,
  discovery,
  delegation,
  delegationResources,
  expressions,
  readiness,
  states,
  queue,
  resources,
  directory,
  kubernetes,
  events,
  pluginsFolder,
  downloads,
  pluginResources,
  catalogue,
  telemetry,
  recording,
  admin,
  testingOperators,
} satisfies Record<string, LimitGroup>;

type Values<T extends Record<string, LimitGroup>> = { readonly [G in keyof T]: Readonly<Record<keyof T[G], number>> };

/** Values of the table: `limits.connections.openTimeout` is 2,000, in milliseconds. */
export const limits: Values<typeof limitTable> = valuesOf(limitTable);

function valuesOf<T extends Record<string, LimitGroup>>(table: T): Values<T> {
  const groups = Object.entries(table).map(([name, group]) => [
    name,
    Object.fromEntries(Object.entries(group).map(([limit, { value }]) => [limit, value])),
  ]);
  return Object.fromEntries(groups) as Values<T>;
}
