import type { WatchSummaryResponse } from '@kplug/protocol/services';
import { batch, effect, signal } from '@preact/signals';
import { retryDelay } from './back-off.ts';
import { clients } from './clients.ts';
import { connection, epoch } from './connection.ts';
import { hidden, type Problem, problemOf, streamEnded } from './problem.ts';
import { sleep } from './sleep.ts';
import { firstVersion, summary, summaryNamespace } from './summary.ts';
import { isVisible } from './visibility.ts';

/** Interval of the questions that find a connection dead which no one closed, and the time that an answer may take, in milliseconds. */
const pingInterval = 10_000;
const pingTimeout = 8_000;

/** Incremented to connect at once instead of at the next attempt. */
const retries = signal(0);

/** Connects at once. */
export function retryNow(): void {
  retries.value++;
}

/** Keeps the summary up to date while the page is visible. A hidden page holds no connection, of which a browser has few. */
export function keepConnected(): void {
  effect(() => {
    const namespace = summaryNamespace.value;
    retries.value;
    if (!isVisible.value) {
      pause();
      return;
    }
    const abort = new AbortController();
    void follow(namespace, abort.signal);
    return () => abort.abort();
  });
}

/** A hidden page gets no news. Until it is connected again, what it shows is from now. */
function pause(): void {
  if (connection.peek().state === 'live') lost(hidden, Date.now());
}

async function follow(namespace: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    const problem = await watch(namespace, signal, () => {
      attempt = 1;
    });
    if (signal.aborted) return;
    const delay = retryDelay(attempt);
    lost(problem, Date.now() + delay);
    await sleep(delay, signal);
  }
}

/** Watches the summary until the connection fails, and returns why. */
async function watch(namespace: string, outer: AbortSignal, onMessage: () => void): Promise<Problem> {
  const own = new AbortController();
  const signal = AbortSignal.any([outer, own.signal]);
  let pinged: Problem | undefined;
  const timer = setInterval(() => {
    clients.delegation.listDelegations({ pageSize: 1 }, { signal, timeoutMs: pingTimeout }).catch((error: unknown) => {
      pinged ??= problemOf(error);
      own.abort();
    });
  }, pingInterval);
  try {
    for await (const message of clients.delegation.watchSummary({ namespace }, { signal })) {
      onMessage();
      received(message);
    }
    return streamEnded;
  } catch (error) {
    return pinged ?? problemOf(error);
  } finally {
    clearInterval(timer);
    own.abort();
  }
}

function received(message: WatchSummaryResponse): void {
  batch(() => {
    const isNew = connection.peek().state !== 'live' || startOf(message) !== startOf(summary.peek());
    if (!summary.peek()) firstVersion.value = message.operatorVersion;
    summary.value = message;
    connection.value = { state: 'live' };
    if (isNew) epoch.value++;
  });
}

function startOf(message: WatchSummaryResponse | undefined): string {
  return message?.startedAt ? `${message.startedAt.seconds}.${message.startedAt.nanos}` : '';
}

function lost(problem: Problem, retryAt: number): void {
  const value = connection.peek();
  const lostAt = value.state === 'lost' ? value.lostAt : Date.now();
  connection.value = { state: 'lost', lostAt, retryAt, problem };
}
