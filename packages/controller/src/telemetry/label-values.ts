import { printable } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';

const { maxLabelLength } = limits.telemetry;

/** Values of a label in metrics. Others choose them, so that their number and their length are limited. */
export class LabelValues {
  readonly #values = new Set<string>();
  readonly #maxValues: number;

  /** @param maxValues number of values from which on new ones become `other`. */
  constructor(maxValues: number) {
    this.#maxValues = maxValues;
  }

  /** Returns the value for a text. */
  of(text: string): string {
    const value = printable(text, maxLabelLength);
    if (this.#values.size < this.#maxValues) this.#values.add(value);
    return this.#values.has(value) ? value : 'other';
  }
}
