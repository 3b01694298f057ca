import { KubeConfig, Watch } from '@kubernetes/client-node';
import { sharedNow } from '../processes/commands.ts';

/** Object in an event of a watch. */
export interface WatchedObject {
  metadata: { name: string; uid: string };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Watch of a kind in a namespace, which records when something is seen for the first time. */
export class ClusterWatch implements AsyncDisposable {
  readonly #seenAt = new Map<string, number>();
  readonly #waiting = new Map<string, (at: number) => void>();
  #abort: AbortController | undefined;
  #error: unknown;

  /** @param describe returns a name for what an event shows; `undefined` if it shows nothing of interest. */
  static async start(
    kubeconfig: string,
    path: string,
    describe: (type: string, object: WatchedObject) => string | undefined,
  ): Promise<ClusterWatch> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(kubeconfig);
    const watch = new ClusterWatch();
    const onEvent = (type: string, object: WatchedObject) => watch.#see(describe(type, object));
    const onEnd = (error: unknown) => {
      watch.#error ??= error;
    };
    watch.#abort = await new Watch(kubeConfig).watch(path, {}, onEvent, onEnd);
    return watch;
  }

  /** Waits until something is seen. Returns the time of that, by the clock that all processes share. */
  async seen(name: string): Promise<number> {
    const at = this.#seenAt.get(name);
    if (at !== undefined) return at;
    if (this.#error) throw this.#error;
    return new Promise((resolve) => this.#waiting.set(name, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort?.abort();
  }

  #see(name: string | undefined): void {
    if (name === undefined || this.#seenAt.has(name)) return;
    const at = sharedNow();
    this.#seenAt.set(name, at);
    this.#waiting.get(name)?.(at);
    this.#waiting.delete(name);
  }
}
