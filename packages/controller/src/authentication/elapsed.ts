/** Point in time, on both clocks of the process. */
export interface Moment {
  monotonic: number;
  wall: number;
}

export function currentMoment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/**
 * Returns the time since a moment, in milliseconds: the longer one of both clocks. The monotonic clock may stand still while a machine
 * sleeps, and the wall clock may be set back; neither must extend the validity of a proof.
 */
export function elapsedSince({ monotonic, wall }: Moment): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}
