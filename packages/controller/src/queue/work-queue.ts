/** Options of a work queue. */
export interface WorkQueueOptions<K> {
  /** How many keys are worked on at once. */
  concurrency: number;
  /** Does the work for one key. Must not reject: what fails is the work's own affair. */
  work: (key: K) => Promise<void>;
  /** Told how long each key waited and how long its work took, in milliseconds. */
  observe?: (waited: number, worked: number) => void;
}

/**
 * Keys that want work. A key waits at most once however often it is added, and is never worked on twice at once: one that is
 * added during its work waits until that ends.
 */
export class WorkQueue<K> {
  readonly #options: WorkQueueOptions<K>;
  readonly #waiting = new Map<K, number>();
  readonly #working = new Set<K>();
  readonly #timers = new Map<K, { timer: NodeJS.Timeout; at: number }>();
  readonly #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
  }

  /** How many keys wait to be worked on now. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** How many keys are being worked on. */
  get active(): number {
    return this.#working.size;
  }

  /** Adds a key to be worked on as soon as possible. */
  add(key: K): void {
    if (this.#closed || this.#waiting.has(key)) return;
    this.#cancelTimer(key);
    this.#waiting.set(key, performance.now());
    this.#start();
  }

  /** Adds a key after a delay, in milliseconds; in place of an earlier delay. Adding it meanwhile cancels the delay. */
  addAfter(key: K, delay: number): void {
    if (this.#closed || this.#waiting.has(key)) return;
    this.#cancelTimer(key);
    // Node fires at once on delays over 2^31 - 1 ms.
    const bounded = Math.min(Math.round(delay), 2_147_483_647);
    const timer = setTimeout(() => this.add(key), bounded);
    this.#timers.set(key, { timer, at: Date.now() + bounded });
  }

  /** When a key that waits for its delay will be added, in milliseconds since the epoch. */
  dueAt(key: K): number | undefined {
    return this.#timers.get(key)?.at;
  }

  /** Takes a key out. Work on it that is under way goes on. */
  remove(key: K): void {
    this.#waiting.delete(key);
    this.#cancelTimer(key);
  }

  /** Fulfilled when nothing is waiting or being worked on. Delays don't count. */
  async whenIdle(): Promise<void> {
    while (this.#working.size > 0 || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Takes no more keys, drops those that wait, and is fulfilled when the work under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    await this.whenIdle();
  }

  #start(): void {
    if (this.#working.size >= this.#options.concurrency) return;
    for (const [key, addedAt] of this.#waiting) {
      if (this.#working.has(key)) continue;
      this.#waiting.delete(key);
      void this.#work(key, addedAt);
      if (this.#working.size >= this.#options.concurrency) return;
    }
  }

  async #work(key: K, addedAt: number): Promise<void> {
    this.#working.add(key);
    const startedAt = performance.now();
    try {
      await this.#options.work(key);
    } finally {
      this.#working.delete(key);
      this.#options.observe?.(startedAt - addedAt, performance.now() - startedAt);
      this.#start();
      if (this.#working.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #cancelTimer(key: K): void {
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }
}
