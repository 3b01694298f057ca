import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type { WatchSummaryRequest, WatchSummaryResponseSchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { DiagnosisParts } from '../diagnosis/known-base.ts';
import { limits } from '../limits/limits.ts';
import type { WatchSlots } from '../registry/watch-slots.ts';
import { version } from '../version.ts';
import { requestConnection } from './request-connection.ts';
import { orExhausted } from './serve-watch.ts';
import { NamespaceList, summarizeDelegation } from './summarize-delegations.ts';

const { summaryInterval, summaryCheckInterval } = limits.states;
const { maxWatchDelay } = limits.watches;

type Summary = MessageInitShape<typeof WatchSummaryResponseSchema>;

/** Parts of an operator that a summary shows. */
export interface SummaryParts extends DiagnosisParts {
  delegations: () => Iterable<Delegation>;
  slots: WatchSlots;
  /** Changes with each refusal of a plugin. */
  refusalRevision: () => number;
  /** Returns problems of the operator itself, one sentence each. */
  problems: () => readonly string[];
}

/** Sends summaries. A watch holds no summary for its reader: it makes the next one when that is asked for, so that the latest counts. */
export class Summaries {
  readonly #parts: SummaryParts;
  readonly #namespaces = new NamespaceList();
  readonly #startedAt = timestampFromMs(Math.round(Date.now() - process.uptime() * 1_000));

  constructor(parts: SummaryParts) {
    this.#parts = parts;
  }

  /** Sends a summary at once, and another one after changes. Throws `resource_exhausted` when there are too many watches. */
  async *watch({ namespace }: WatchSummaryRequest, { values, signal }: HandlerContext): AsyncGenerator<Summary> {
    const { peer, reset } = values.get(requestConnection);
    const release = orExhausted(() => this.#parts.slots.take(peer));
    signal.addEventListener('abort', release, { once: true });
    try {
      while (!signal.aborted) {
        const sent = this.#basis();
        const summary = await this.#summarize(namespace);
        // A reader that doesn't read keeps its place only for a time.
        const timer = setTimeout(reset, maxWatchDelay);
        try {
          yield summary;
        } finally {
          clearTimeout(timer);
        }
        await sleep(summaryInterval, signal);
        while (!signal.aborted && this.#basis() === sent) await sleep(summaryCheckInterval, signal);
      }
    } finally {
      release();
    }
  }

  /** What a summary depends on, cheap to compare. */
  #basis(): string {
    const { delegations, registry, isStandby, problems, refusalRevision } = this.#parts;
    const parts = [...delegations()].map(({ settings, index, problem, writeProblems }) => [
      settings.name,
      index.revision,
      problem,
      writeProblems.map(({ failed, held }) => [failed, held]),
    ]);
    return JSON.stringify([parts, registry.revision, refusalRevision(), isStandby(), problems()]);
  }

  async #summarize(namespace: string): Promise<Summary> {
    const delegations = [...this.#parts.delegations()].sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
    const summaries: Awaited<ReturnType<typeof summarizeDelegation>>[] = [];
    for (const one of delegations) summaries.push(await summarizeDelegation(one, namespace, this.#parts));
    return {
      delegations: summaries,
      namespaces: this.#namespaces.summarize(delegations),
      operatorVersion: version,
      startedAt: this.#startedAt,
      standby: this.#parts.isStandby(),
      problems: [...this.#parts.problems()],
    };
  }
}

async function sleep(time: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, time);
    signal.addEventListener('abort', end, { once: true });
  });
}
