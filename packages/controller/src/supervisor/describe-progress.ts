import type { HostedState } from '../registry/hosted.ts';

/** From how many failures in a row on a plugin is called failing. */
const failingAfter = 3;

/** How far a plugin of the folder is. */
export interface Progress {
  removed: boolean;
  /** Whether it ended by itself, and is left at that. */
  ended: boolean;
  /** Why what is in the folder can't be started; empty when it can. */
  fault: string;
  failures: number;
  /** Whether a process is registered, and whether one is there that may be the same. */
  isServing: boolean;
  isRunning: boolean;
  /** Whether the one that is registered is of what is in the folder now. */
  isUpToDate: boolean;
  lastExit: string | undefined;
  /** What it wrote about that. */
  lastLine: string | undefined;
}

/** What a plugin is doing. */
export function stateOf({ removed, ended, fault, failures, isServing, isRunning }: Progress): HostedState {
  if (removed) return 'draining';
  if (isServing) return 'live';
  if (failures >= failingAfter || (fault && !isRunning)) return 'failing';
  if (isRunning) return 'starting';
  return ended ? 'ended' : 'back-off';
}

/** Why, for people; empty while all is well. */
export function messageOf(progress: Progress): string {
  const { removed, ended, fault, failures, isServing, isUpToDate, lastExit, lastLine } = progress;
  if (removed) return 'it was removed';
  if (fault) return fault;
  if (isUpToDate) return '';
  const subject = isServing ? 'its new version' : 'it';
  if (failures === 0 && !ended) return isServing ? `${subject} is starting` : '';
  return `${subject} has ended by itself: ${lastExit}${lastLine ? `; it wrote: ${lastLine}` : ''}`;
}
