import { printable } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';

const { maxLabelLength } = limits.telemetry;

/** Values of a label in metrics. Others choose them, so that their number and their length are limited. */
export class LabelValues {
  readonly #values = new Set<string>();
  readonly #maxValues: number;
  readonly #areWords: boolean;

  /**
   * @param maxValues number of values from which on new ones become `other`.
   * @param areWords whether a value without a letter, such as a number, becomes `other`. Default false.
   */
  constructor(maxValues: number, { areWords = false } = {}) {
    this.#maxValues = maxValues;
    this.#areWords = areWords;
  }

  /** Returns the value for a text. */
  of(text: string): string {
    const value = printable(text, maxLabelLength);
    if (this.#areWords && !/\p{Letter}/u.test(value)) return 'other';
    if (this.#values.size < this.#maxValues) this.#values.add(value);
    return this.#values.has(value) ? value : 'other';
  }

  /** Returns the value for a text that has one already; `other` for any other. */
  ofKnown(text: string): string {
    const value = printable(text, maxLabelLength);
    return this.#values.has(value) ? value : 'other';
  }
}
