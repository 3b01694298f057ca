import type { ResourceKey } from '@kplug/controller';
import { ConditionStatus, type DelegatedResource } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { AdminClient } from '../operator/admin-client.ts';
import { findOperator } from '../operator/find-operator.ts';
import { isRunning } from '../operator/is-running.ts';
import { readOperatorFile } from '../operator/read-operator-file.ts';

/** Deadline of the request, in milliseconds. */
const timeoutMs = 3_000;

/** State of a resource that isn't ready, as the operator has it in memory. */
export interface LiveState {
  reason: string;
  message: string;
}

/** States of the resources that aren't ready. */
export interface LiveStates {
  byKey: ReadonlyMap<ResourceKey, LiveState>;
  /** Reason why they are unknown although an operator runs. */
  problem?: string;
}

/**
 * Asks the operator that runs on a directory for the resources that aren't ready, as it may be unable to write their statuses. Returns
 * none if no operator runs.
 */
export async function readLiveStates(directory: string, stateDir: string | undefined): Promise<LiveStates> {
  const none = new Map<ResourceKey, LiveState>();
  const file = await readOperatorFile(directory, stateDir);
  if (!file?.adminAddress || !isRunning(file.pid)) return { byKey: none };
  const place = await findOperator({ manifests: directory, ...(stateDir !== undefined && { stateDir }) });
  try {
    const resources = await new AdminClient(place).listResources(timeoutMs);
    return { byKey: new Map(resources.filter(isNotReady).map((one) => [one.key, stateOf(one)])) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { byKey: none, problem: `the operator does not answer, so statuses may be out of date: ${error.message}` };
  }
}

function isNotReady({ ready }: DelegatedResource): boolean {
  return ready === ConditionStatus.FALSE;
}

function stateOf({ readyReason: reason, readyMessage: message }: DelegatedResource): LiveState {
  return { reason, message };
}
