import { groupOf, type Resource } from '../resources/resource.ts';
import { builtInRules } from './built-in-rules.ts';
import { findCondition } from './find-condition.ts';
import { failed, progressing, type Readiness, ready } from './readiness.ts';

/**
 * Assesses a resource by its status. The rules are those of kstatus (https://github.com/kubernetes-sigs/cli-utils, `pkg/kstatus`), except
 * that a Job is ready when it is complete, and that a failed Pod has failed. A resource without a known status is ready.
 */
export function assessReadiness(resource: Resource): Readiness {
  const { metadata, kind, apiVersion, status } = resource;
  if (metadata.deletionTimestamp) return progressing('it is being deleted');
  const observed = status?.observedGeneration;
  if (isNumber(observed) && Number(observed) !== metadata.generation) {
    return progressing(`its controller hasn't observed generation ${metadata.generation} yet`);
  }
  const reconciling = findCondition(status, 'Reconciling');
  if (reconciling?.status === 'True') return progressing(reconciling.message || reconciling.reason);
  const stalled = findCondition(status, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.message || stalled.reason);
  const rule = builtInRules.get(`${groupOf(apiVersion)}/${kind}`);
  if (rule) return rule(resource);
  const condition = findCondition(status, 'Ready');
  if (!condition || condition.status === 'True') return ready;
  return progressing(condition.message || condition.reason || `its condition Ready is ${condition.status}`);
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
