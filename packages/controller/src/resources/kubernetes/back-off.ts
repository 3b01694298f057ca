/** How long waits between tries begin and end with, in milliseconds. */
export interface BackOffBounds {
  initial: number;
  max: number;
}

const bounds: BackOffBounds = { initial: 100, max: 5_000 };

/** How long to wait after so many failures in a row, in milliseconds: doubled each time, less up to half of it by chance. */
export function backOffDelay(failures: number, { initial, max }: BackOffBounds = bounds): number {
  const full = Math.min(max, initial * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return full * (0.5 + Math.random() / 2);
}
