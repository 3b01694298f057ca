import { type Clock, install } from '@sinonjs/fake-timers';

/** Taken before the timers are replaced. */
const { setImmediate: afterMicrotasks, Date: RealDate } = globalThis;

/** Start of virtual time, in milliseconds since the epoch. */
const epoch = RealDate.UTC(2030, 0, 1);

/**
 * Virtual time: replaces the timers, `Date` and `performance` of this process until it is disposed. Time advances only on request, and
 * between two timers all promises that can be fulfilled are.
 */
export class VirtualTime implements Disposable {
  readonly #clock: Clock & { uninstall(): void };

  constructor() {
    this.#clock = install({
      now: epoch,
      toFake: [
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'setImmediate',
        'clearImmediate',
        'Date',
        'performance',
      ],
    });
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#clock.now - epoch;
  }

  /** Waits until no promise is left that can be fulfilled without a timer. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => afterMicrotasks(resolve));
  }

  /** Advances by a duration and fires each timer at its time. Awaits `between` before the first timer and after each one. */
  async advance(duration: number, between: () => Promise<void>): Promise<void> {
    let isOver = false;
    this.#clock.setTimeout(() => {
      isOver = true;
    }, duration);
    await between();
    while (!isOver) {
      this.#clock.next();
      await between();
    }
  }

  /** Advances by a duration as if the process had been suspended: each timer that became due fires once, at the end. */
  jump(duration: number): void {
    this.#clock.jump(duration);
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
  }
}
