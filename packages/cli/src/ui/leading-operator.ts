import { setMaxListeners } from 'node:events';
import type { ClusterReader, LoggedPod } from '@kplug/controller/tools';
import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { type ForwardedPlace, forwardTo } from '../operator/find-forwarded-operator.ts';
import { findOperatorPod, listOperatorPods } from '../operator/operator-pods.ts';
import type { Upstream, UpstreamPlace } from './upstream.ts';

/** Interval at which the leader is looked up, in milliseconds. */
const interval = 2_000;

interface LeadingPod extends ForwardedPlace {
  name: string;
  ending: AbortController;
  signal: AbortSignal;
}

/** Leading operator of a cluster, reached by port-forward. Follows the leadership. */
export class LeadingOperator implements Upstream, AsyncDisposable {
  readonly #reader: ClusterReader;
  readonly #namespace: string;
  readonly #say: (message: string) => void;
  #pod: LeadingPod | undefined;
  #problem = '';
  #hasFailed = false;
  #looking: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(reader: ClusterReader, pod: LoggedPod, say: (message: string) => void) {
    this.#reader = reader;
    this.#namespace = pod.namespace;
    this.#say = say;
    this.#pod = this.#placeOf(pod);
    this.#timer = setInterval(() => void this.#look(), interval);
  }

  /** Finds the operator. Rejects with a `CommandError`. @param say prints a line when another pod leads. */
  static async find(
    reader: ClusterReader,
    namespace: string | undefined,
    say: (message: string) => void,
  ): Promise<LeadingOperator> {
    const pod = await findOperatorPod(reader, namespace, 'install the chart, or give an admin port with --admin');
    return new LeadingOperator(reader, pod, say);
  }

  /** Pod that leads, for people. */
  get description(): string {
    return this.#pod?.origin ?? '';
  }

  async current(): Promise<UpstreamPlace> {
    if (!this.#pod) await this.#look();
    if (this.#pod) return this.#pod;
    throw new CommandError('unreachable', this.#problem);
  }

  failed(): void {
    this.#hasFailed = true;
    void this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#leave();
    await this.#reader.close();
  }

  /** Looks up the leader. Requests that come meanwhile wait for the same answer. */
  #look(): Promise<void> {
    this.#looking ??= this.#find().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #find(): Promise<void> {
    try {
      const pods = await listOperatorPods(this.#reader, this.#namespace);
      const known = pods.find(({ name }) => name === this.#pod?.name);
      const others = pods.filter((pod) => pod !== known);
      // A pod that is going may be listed as the leader beside the next one.
      const pod = this.#hasFailed ? (others[0] ?? known) : (known ?? others[0]);
      this.#hasFailed = false;
      if (pod) this.#follow(pod);
      else {
        this.#leave();
        this.#report(`the namespace ${this.#namespace} has no operator now`);
      }
    } catch (error) {
      this.#report(messageOf(error));
    }
  }

  #follow(pod: LoggedPod): void {
    this.#problem = '';
    if (pod.name === this.#pod?.name) return;
    this.#leave();
    this.#pod = this.#placeOf(pod);
    this.#say(`connected to the pod ${pod.namespace}/${pod.name}, which leads now`);
  }

  #report(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#say(problem);
  }

  #leave(): void {
    this.#pod?.ending.abort();
    this.#pod = undefined;
  }

  #placeOf(pod: LoggedPod): LeadingPod {
    const ending = new AbortController();
    // Every stream of the page listens.
    setMaxListeners(0, ending.signal);
    return { ...forwardTo(this.#reader, pod), name: pod.name, ending, signal: ending.signal };
  }
}
