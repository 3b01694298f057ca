import { formatLimit } from '../../limits/format-limit.ts';
import { limits } from '../../limits/limits.ts';
import { nameSome } from './name-some.ts';
import type { TextEnd } from './text-end.ts';

/** Interval of checks of a file that is open for writing, in milliseconds. */
const { writerInterval } = limits.directory;

/** Times that files must stay unchanged, in milliseconds. */
export interface SettleTimes {
  /** Time for a file that was added or changed. */
  changed: number;
  /** Time for a file that is gone, or that replaced one with more resources. */
  vanished: number;
  /** Time for a file that was overwritten with fewer resources. */
  rewritten: number;
  /** The same where the programs that have the file open are not visible. */
  hiddenRewritten: number;
  /** Time after which a file that is open for writing, or that keeps changing, is a problem. */
  maxChanging: number;
}

/** Observation of a file that differs from the content that was accepted last. */
export interface FileChange {
  /**
   * - `gone`: the directory no longer lists the file.
   * - `replaced`: another file has its name, and was complete when it got it: by renaming, by a link, or with its whole folder.
   * - `rewritten`: the file was overwritten or created, or it isn't known how it changed.
   */
  kind: 'gone' | 'replaced' | 'rewritten';
  /** Time since the last change, in milliseconds. */
  unchangedFor: number;
  /** Time since the first change after the last accepted content, in milliseconds. */
  changingFor: number;
  /** True if a process is known to have the file open for writing. */
  isBeingWritten: boolean;
  /** True if a process that has the file open for writing would be known. */
  areWritersVisible: boolean;
  doubt?: Doubt | undefined;
  /** Content of the file; missing if it is gone. */
  content?: ChangedContent | undefined;
  /** Names of resources that the file defined and that no file defines now. */
  lost: readonly string[];
}

/** Reason why the absence of a file may not mean that it was deleted. */
export interface Doubt {
  /** Sentence about the file. */
  reason: string;
  /** Advice to the user, to follow a semicolon. */
  remedy: string;
}

/** Content of a changed file. */
export interface ChangedContent {
  /** True if the file has a problem, so that none of it is accepted. */
  isBroken: boolean;
  /** True if no resource is in it. */
  isEmpty: boolean;
  /** End of its text. */
  end: TextEnd;
  /** True if its last resource has fewer fields than before. */
  hasShorterEnd: boolean;
}

/**
 * Verdict about a change.
 *
 * - `accept`: the content applies, and what it doesn't define is deleted.
 * - `keep`: the content applies, but what it doesn't define is kept.
 * - `wait`: the previous content applies. The change is judged again after `delay`, in milliseconds.
 */
export type Verdict =
  | { verdict: 'accept' }
  | { verdict: 'keep'; problem: string }
  | { verdict: 'wait'; delay: number; problem?: string };

/**
 * Decides whether a changed file proves that resources are to be deleted. A deletion is proven by a file that was removed, by a complete
 * file that replaced the former one, or by a file that was overwritten, is complete and closed, and has stayed so. An empty or unfinished
 * file, or one that can't be read, proves nothing. Pure.
 */
export function judgeChange(change: FileChange, times: SettleTimes): Verdict {
  const { kind, content, lost, doubt } = change;
  if (kind === 'gone') {
    if (doubt !== undefined && lost.length > 0)
      return { verdict: 'keep', problem: `${doubt.reason} ${kept(lost)}; ${doubt.remedy}.` };
    return after(times.vanished, change, times);
  }
  const read = after(times.changed, change, times);
  if (read.verdict === 'wait') return read;
  if (!content) return { verdict: 'wait', delay: times.changed };
  if (change.isBeingWritten) return waitForWriter(change, times);
  // The definitions of a file with a problem don't apply, and nothing that it defined is deleted.
  if (content.isBroken) return { verdict: 'accept' };
  return lost.length > 0 ? judgeLoss(change, content, times) : judgeEnd(change, content, times);
}

/** Judges a complete file that no longer defines some resources. */
function judgeLoss(change: FileChange, { isEmpty, end }: ChangedContent, times: SettleTimes): Verdict {
  const { kind, lost } = change;
  const settled = after(kind === 'rewritten' ? rewriteTime(change, times) : times.vanished, change, times);
  if (settled.verdict === 'wait') return settled;
  if (isEmpty) return { verdict: 'keep', problem: `The file no longer has any resource. ${kept(lost)}; ${empty}.` };
  if (kind !== 'rewritten' || end !== 'separator') return settled;
  return {
    verdict: 'keep',
    problem: `The file ends with "---", so it may be incomplete. ${kept(lost)}; ${unfinished}.`,
  };
}

/** Judges a file that still defines all resources. If its writer isn't visible, its last one may be cut. */
function judgeEnd(change: FileChange, { end, hasShorterEnd }: ChangedContent, times: SettleTimes): Verdict {
  const mayBeCut = change.kind === 'rewritten' && !change.areWritersVisible && (end === 'open line' || hasShorterEnd);
  return mayBeCut ? after(rewriteTime(change, times), change, times) : { verdict: 'accept' };
}

function rewriteTime({ areWritersVisible }: FileChange, { rewritten, hiddenRewritten }: SettleTimes): number {
  return areWritersVisible ? rewritten : hiddenRewritten;
}

const empty = 'restore the content, or delete the file to delete them';
const unfinished = 'complete the file, or remove the last "---" to delete them';

/** Accepts a change once the file has been unchanged for some time. */
function after(time: number, { unchangedFor, changingFor }: FileChange, { maxChanging }: SettleTimes): Verdict {
  const delay = time - unchangedFor;
  if (delay <= 0) return { verdict: 'accept' };
  if (changingFor < Math.max(maxChanging, time)) return { verdict: 'wait', delay };
  const needed = formatLimit({ unit: 'ms' }, time);
  const problem = `The file keeps changing. Its previous content applies until it has been unchanged for ${needed}.`;
  return { verdict: 'wait', delay, problem };
}

function waitForWriter({ changingFor }: FileChange, { maxChanging }: SettleTimes): Verdict {
  if (changingFor < maxChanging) return { verdict: 'wait', delay: writerInterval };
  const problem = 'A program has the file open for writing. The previous content applies until the file is closed.';
  return { verdict: 'wait', delay: writerInterval, problem };
}

/** Names the resources that are kept. */
function kept(lost: readonly string[]): string {
  return `The resources that it defined are kept: ${nameSome(lost)}`;
}
