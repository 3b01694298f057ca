/** Replaces `Math.random` by a pseudo-random generator until it is disposed, so that jitter depends on the seed only. */
export class Noise implements Disposable {
  readonly #original = Math.random;

  constructor(seed: number) {
    let state = seed >>> 0;
    // mulberry32
    Math.random = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  [Symbol.dispose](): void {
    Math.random = this.#original;
  }
}
