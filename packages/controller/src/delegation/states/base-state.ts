import { findCondition } from '../../resources/conditions.ts';
import type { KindProblem } from '../../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { describePause, isPaused } from '../control-annotations.ts';
import type { WriteFailure } from '../writes/write-failure.ts';

/** State of a base resource in one word. `failing`: a pass, a write or a dependent of it failed, or its kind can't be read. */
export type StateName = 'ready' | 'waiting' | 'failing' | 'deleting' | 'paused';

/** State of a base resource, as far as it is known. */
export interface BaseState {
  state: StateName;
  /** Reason in one PascalCase word. */
  reason: string;
  message: string;
  /** Resource that the message is about. */
  about: ResourceKey;
}

/** What is known about a base resource besides its status. */
export interface Circumstances {
  writeFailure: WriteFailure | undefined;
  problem?: KindProblem | undefined;
}

/** Reasons of the condition `Ready` for which a resource waits for something else. With any other it failed. */
const waitingReasons: ReadonlySet<string> = new Set([
  'NoPlugin',
  'PreferredUnavailable',
  'CapabilityUnavailable',
  'ExtensionNotFound',
  'KindNotFound',
  'Unreachable',
  'DependentsNotReady',
  'DependentsDeleting',
  'InProgress',
  'NotReconciled',
]);

/** Returns the state of a base resource. */
export function stateOf(base: Resource, { writeFailure, problem }: Circumstances): BaseState {
  const about = keyOf(base);
  if (base.metadata.deletionTimestamp !== undefined) return { state: 'deleting', ...whyDeleting(base), about };
  if (isPaused(base)) return { state: 'paused', reason: 'Paused', message: describePause(base), about };
  if (problem) return { state: 'failing', ...problem, about };
  if (writeFailure) {
    const { key, message } = writeFailure;
    return { state: 'failing', reason: reasonOf(writeFailure), message, about: key };
  }
  return { ...stateByStatus(base), about };
}

/** Reasons of the API server that say more than the code of the error. */
const ownReasons: ReadonlySet<string> = new Set(['Forbidden', 'Denied', 'TooLarge']);

/** Reason of a failed write: that of the API server, or the code of the error. */
export function reasonOf({ code, reason }: WriteFailure): string {
  return ownReasons.has(reason) ? reason : code;
}

function whyDeleting(base: Resource): Pick<BaseState, 'reason' | 'message'> {
  if (isPaused(base)) return { reason: 'Paused', message: describePause(base) };
  const finalized = findCondition(base.status, 'Finalized');
  const { reason = 'Deleting', message = 'the resource is being deleted' } =
    (finalized?.status === 'True' ? findCondition(base.status, 'Ready') : finalized) ?? {};
  return { reason, message };
}

function stateByStatus(base: Resource): Pick<BaseState, 'state' | 'reason' | 'message'> {
  const ready = findCondition(base.status, 'Ready');
  if (!ready) return { state: 'waiting', reason: 'NotReconciled', message: 'the resource has not been reconciled yet' };
  const { reason, message } = ready;
  if (ready.status !== 'True') {
    const isWaiting = ready.status === 'Unknown' || (waitingReasons.has(reason) && !hasFailed(base, reason));
    return { state: isWaiting ? 'waiting' : 'failing', reason, message };
  }
  // A plugin that was ready with an older generation says nothing about this one.
  const observed = observedGenerationOf(base);
  if (observed === undefined || observed >= base.metadata.generation) return { state: 'ready', reason, message };
  const { generation } = base.metadata;
  const outdated = `generation ${generation} has not been reconciled yet; generation ${observed} is ready`;
  return { state: 'waiting', reason: 'NotReconciled', message: outdated };
}

/** Reports whether a call failed with a reason. A plugin may choose the reason by which the operator says that a resource waits. */
function hasFailed(base: Resource, reason: string): boolean {
  const reconciled = findCondition(base.status, 'Reconciled');
  return reason !== 'InProgress' && reconciled?.status === 'False' && reconciled.reason === reason;
}

/** Generation that the status is about; `undefined` if it doesn't say. */
export function observedGenerationOf({ status }: Resource): number | undefined {
  const observed = findCondition(status, 'Ready')?.observedGeneration ?? status?.observedGeneration;
  return typeof observed === 'number' ? observed : undefined;
}
