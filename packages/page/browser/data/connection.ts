import { computed, signal } from '@preact/signals';
import type { Problem } from './problem.ts';
import { serverTime } from './server-clock.ts';

/** Connection to the operator. What was read before it was lost is from `lostAt`, whatever the clock says. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly lostAt: number; readonly retryAt: number; readonly problem: Problem };

/** Current connection. `connection-loop.ts` sets it. */
export const connection = signal<Connection>({ state: 'connecting' });

/** Number that grows with each new connection and each restart of the operator: what was read before may be out of date. */
export const epoch = signal(0);

/** Time by the clock of the browser, which ticks once a second. */
export const browserNow = signal(Date.now());
setInterval(() => {
  browserNow.value = Date.now();
}, 1_000);

/** True while what the page shows may be out of date. */
export const isStale = computed(() => connection.value.state === 'lost');

/**
 * Time of what the page shows, by the clock of the operator. It stands still while the connection is lost, so that ages and countdowns
 * don't go on without news.
 */
export const now = computed(() => {
  const { value } = connection;
  return serverTime(value.state === 'lost' ? value.lostAt : browserNow.value);
});
