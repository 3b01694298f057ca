import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type WatchSummaryResponse, WatchSummaryResponseSchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { DiagnosisParts } from '../diagnosis/known-base.ts';
import { limits } from '../limits/limits.ts';
import { pause } from '../queue/pause.ts';
import { OpenWatches } from '../registry/open-watches.ts';
import { Watch, type WatchReader } from '../registry/watch.ts';
import { version } from '../version.ts';
import { NamespaceList, summarizeDelegation } from './summarize-delegations.ts';

const { summaryInterval, summaryCheckInterval, maxSummaryWatches, maxSummaryWatchesPerPeer } = limits.states;

/** Parts of an operator that a summary shows. */
export interface SummaryParts extends DiagnosisParts {
  delegations: () => Iterable<Delegation>;
  /** Changes with each refusal of a plugin. */
  refusalRevision: () => number;
  /** Returns problems of the operator itself, one sentence each. */
  problems: () => readonly string[];
}

/**
 * All watches of summaries. Nothing waits for a reader: the next summary is made when the reader asks for it, so that it gets the latest one.
 * An interval, while anybody watches, looks for changes.
 */
export class SummaryWatches {
  readonly #parts: SummaryParts;
  readonly #open: OpenWatches<SummaryWatch>;
  readonly #namespaces = new NamespaceList();
  readonly #startedAt = timestampFromMs(Math.round(Date.now() - process.uptime() * 1_000));
  #basis = '';
  #revision = 0;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
    this.#open = new OpenWatches({
      max: maxSummaryWatches,
      maxPerPeer: maxSummaryWatchesPerPeer,
      advice: '',
      begin: () => {
        const timer = setInterval(() => this.#check(), summaryCheckInterval).unref();
        return () => clearInterval(timer);
      },
    });
  }

  /**
   * Opens a watch: it yields a summary at once, and another one after changes, until the signal is aborted. Throws `WatchRefused` when there are
   * too many; the watch itself throws it when its reader reads nothing.
   *
   * @param namespace of the resources that count; empty for all.
   */
  open(namespace: string, reader: WatchReader): AsyncGenerator<WatchSummaryResponse> {
    const watch = new SummaryWatch(reader);
    this.#open.add(watch);
    return this.#read(namespace, watch);
  }

  async *#read(namespace: string, watch: SummaryWatch): AsyncGenerator<WatchSummaryResponse> {
    const { signal } = watch.reader;
    try {
      while (!signal.aborted) {
        this.#check();
        const sent = this.#revision;
        yield* watch.handOver(await this.#summarize(namespace));
        await pause(summaryInterval, signal);
        while (!signal.aborted && this.#revision === sent) await watch.change();
      }
    } finally {
      this.#open.close(watch);
    }
  }

  /** Finds out whether something has changed that a summary depends on. */
  #check(): void {
    const basis = this.#describeBasis();
    if (basis === this.#basis) return;
    this.#basis = basis;
    this.#revision++;
    for (const watch of this.#open) watch.wake();
  }

  #describeBasis(): string {
    const { delegations, registry, isStandby, problems, refusalRevision } = this.#parts;
    const parts = [...delegations()].map(({ settings, index, problem, writeProblems }) => [
      settings.name,
      index.revision,
      problem,
      writeProblems.map(({ failed, held }) => [failed, held]),
    ]);
    return JSON.stringify([parts, registry.revision, refusalRevision(), isStandby(), problems()]);
  }

  async #summarize(namespace: string): Promise<WatchSummaryResponse> {
    const delegations = [...this.#parts.delegations()].sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
    const summaries: Awaited<ReturnType<typeof summarizeDelegation>>[] = [];
    for (const one of delegations) summaries.push(await summarizeDelegation(one, namespace, this.#parts));
    return create(WatchSummaryResponseSchema, {
      delegations: summaries,
      namespaces: this.#namespaces.summarize(delegations),
      operatorVersion: version,
      startedAt: this.#startedAt,
      standby: this.#parts.isStandby(),
      problems: [...this.#parts.problems()],
    });
  }
}

class SummaryWatch extends Watch<WatchSummaryResponse> {
  override clear(): void {
    // Nothing waits for the reader.
  }
}
