import { stripVTControlCharacters } from 'node:util';
import { formatTable, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Table that is printed while its rows arrive. A column is as wide as its widest cell so far. */
export class GrowingTable {
  readonly #colors: Colors;
  #widest: string[] = [];
  #isBegun = false;

  constructor(colors: Colors) {
    this.#colors = colors;
  }

  /** Returns the lines of further rows, with the header before the first ones. */
  add({ header, rows }: TableContent): string[] {
    if (rows.length === 0) return [];
    this.#widest = header.map((name, column) => {
      // The last column is not followed by another one.
      if (column === header.length - 1) return name;
      const cells = [name, this.#widest[column] ?? '', ...rows.map((row) => row[column] ?? '')];
      return cells.map(stripVTControlCharacters).reduce((a, b) => (b.length > a.length ? b : a));
    });
    const [head = '', , ...lines] = formatTable({ header, rows: [this.#widest, ...rows] }, this.#colors).split('\n');
    if (this.#isBegun) return lines;
    this.#isBegun = true;
    return [head, ...lines];
  }
}
