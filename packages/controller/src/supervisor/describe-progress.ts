import { limits } from '../limits/limits.ts';
import type { HostedState } from '../registry/hosted.ts';

/** Number of failures in a row from which on a plugin is `failing`. */
const { failingAfter } = limits.pluginsFolder;

const { shownLines } = limits.pluginsFolder;

/** Progress of a plugin of the folder. */
export interface Progress {
  removed: boolean;
  /** True if its process exited and isn't restarted. */
  ended: boolean;
  /** Reason why the file can't be started; empty when it can. */
  fault: string;
  failures: number;
  /** True if a process is registered. */
  isServing: boolean;
  /** True if the newest process is running. */
  isRunning: boolean;
  /** True if the newest process is the registered one. */
  isUpToDate: boolean;
  lastExit: string | undefined;
  /** Last lines that the process wrote before that exit. */
  lastLines: readonly string[];
}

/** Returns the state of a plugin. */
export function stateOf({ removed, ended, fault, failures, isServing, isRunning }: Progress): HostedState {
  if (removed) return 'draining';
  if (isServing) return 'live';
  if (failures >= failingAfter || (fault && !isRunning)) return 'failing';
  if (isRunning) return 'starting';
  return ended ? 'ended' : 'back-off';
}

const uncaughtError = /^(Uncaught )?[\w$.]*(Error|Exception)\b/;

/** Describes the reason for the state, for people; empty while there is no problem. */
export function describeProgress(progress: Progress): string {
  const { removed, ended, fault, failures, isServing, isUpToDate, lastExit, lastLines } = progress;
  if (removed) return 'removed';
  if (fault) return fault;
  if (isUpToDate) return '';
  const subject = isServing ? 'the new version ' : '';
  if (failures === 0 && !ended) return isServing ? `${subject}is starting` : '';
  const output = lastOutput(lastLines);
  return `${subject}exited: ${lastExit}${output ? `; last output: ${output}` : ''}`;
}

/**
 * Returns the last lines of output in one line; empty when there are none. For an uncaught error of Node.js, whose stack and fields fill
 * the last lines, this is the line with the message.
 */
export function lastOutput(lines: readonly string[]): string {
  const uncaught = lines.at(-1)?.startsWith('Node.js v')
    ? lines.findLast((line) => uncaughtError.test(line))
    : undefined;
  if (uncaught !== undefined) return uncaught;
  return lines.slice(-shownLines).join(' | ');
}
