import { limits } from '../limits/limits.ts';
import { isJsonObject } from '../resources/json.ts';
import type { JsonValue, Resource } from '../resources/resource.ts';
import { findCondition, textOf } from './find-condition.ts';
import { failed, progressing, type Readiness, ready } from './readiness.ts';

type Rule = (resource: Resource) => Readiness;

/** Rules for kinds of Kubernetes whose readiness is more than a condition `Ready`, by `group/Kind`. */
export const builtInRules: ReadonlyMap<string, Rule> = new Map([
  ['apps/Deployment', assessDeployment],
  ['apps/StatefulSet', assessStatefulSet],
  ['apps/DaemonSet', assessDaemonSet],
  ['apps/ReplicaSet', assessReplicaSet],
  ['batch/Job', assessJob],
  ['/Pod', assessPod],
  ['/PersistentVolumeClaim', assessClaim],
  ['/Service', assessService],
  ['apiextensions.k8s.io/CustomResourceDefinition', assessDefinition],
]);

function assessDeployment({ spec, status }: Resource): Readiness {
  const progress = findCondition(status, 'Progressing');
  if (progress?.reason === 'ProgressDeadlineExceeded')
    return failed(progress.message || 'its progress deadline passed');
  const replicas = numberAt(spec, 'replicas', 1);
  const total = numberAt(status, 'replicas');
  const updated = numberAt(status, 'updatedReplicas');
  const available = numberAt(status, 'availableReplicas');
  const lacking =
    findLack('created', total, replicas) ??
    findLack('updated', updated, replicas) ??
    findSurplus(total, replicas) ??
    findLack('available', available, updated) ??
    findLack('ready', numberAt(status, 'readyReplicas'), replicas);
  if (lacking) return lacking;
  if (findCondition(status, 'Available')?.status !== 'True') return progressing('it is not available yet');
  return ready;
}

function assessStatefulSet({ spec, status }: Resource): Readiness {
  const strategy = isJsonObject(spec?.updateStrategy) ? spec.updateStrategy : {};
  // Users update the pods of such a set by deleting them.
  if (strategy.type === 'OnDelete') return ready;
  const replicas = numberAt(spec, 'replicas', 1);
  const total = numberAt(status, 'replicas');
  const lacking =
    findLack('created', total, replicas) ??
    findLack('ready', numberAt(status, 'readyReplicas'), replicas) ??
    findSurplus(total, replicas);
  if (lacking) return lacking;
  const partition = numberAt(strategy.rollingUpdate, 'partition');
  if (partition > 0) {
    return findLack('updated', numberAt(status, 'updatedReplicas'), replicas - partition) ?? ready;
  }
  const current = findLack('current', numberAt(status, 'currentReplicas'), replicas);
  if (current) return current;
  if (status?.currentRevision !== status?.updateRevision) return progressing('its pods are being updated');
  return ready;
}

function assessDaemonSet({ status }: Resource): Readiness {
  if (status?.observedGeneration === undefined || status.desiredNumberScheduled === undefined) {
    return progressing("its controller hasn't observed it yet");
  }
  const desired = numberAt(status, 'desiredNumberScheduled');
  return (
    findLack('scheduled', numberAt(status, 'currentNumberScheduled'), desired) ??
    findLack('updated', numberAt(status, 'updatedNumberScheduled'), desired) ??
    findLack('available', numberAt(status, 'numberAvailable'), desired) ??
    findLack('ready', numberAt(status, 'numberReady'), desired) ??
    ready
  );
}

function assessReplicaSet({ spec, status }: Resource): Readiness {
  const failure = findCondition(status, 'ReplicaFailure');
  if (failure?.status === 'True') return progressing(failure.message || 'its pods could not be created');
  const replicas = numberAt(spec, 'replicas', 1);
  return (
    findLack('labeled', numberAt(status, 'fullyLabeledReplicas'), replicas) ??
    findLack('available', numberAt(status, 'availableReplicas'), replicas) ??
    findLack('ready', numberAt(status, 'readyReplicas'), replicas) ??
    findSurplus(numberAt(status, 'replicas'), replicas) ??
    ready
  );
}

function assessJob({ spec, status }: Resource): Readiness {
  if (findCondition(status, 'Complete')?.status === 'True') return ready;
  const failure = findCondition(status, 'Failed');
  if (failure?.status === 'True') return failed(failure.message || 'it failed');
  if (spec?.suspend === true) return progressing('it is suspended');
  const completions = numberAt(spec, 'completions', numberAt(spec, 'parallelism', 1));
  return progressing(`${numberAt(status, 'succeeded')} of ${completions} pods succeeded`);
}

function assessPod(pod: Resource): Readiness {
  const { status, metadata } = pod;
  switch (status?.phase) {
    case 'Succeeded':
      return ready;
    case 'Failed':
      return failed(textOf(status.message) || 'it failed');
    case 'Running': {
      if (findCondition(status, 'Ready')?.status === 'True') return ready;
      const crashing = crashingContainers(status.containerStatuses);
      if (crashing.length > 0) return failed(`containers crash: ${crashing.join(', ')}`);
      return progressing('it is running, but not ready');
    }
    default: {
      const scheduled = findCondition(status, 'PodScheduled');
      const isUnschedulable = scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
      if (!isUnschedulable) return progressing('it is not running yet');
      const message = scheduled.message || 'it could not be scheduled';
      const isLate = Date.now() - Date.parse(metadata.creationTimestamp) > limits.readiness.scheduleTime;
      return isLate ? failed(message) : progressing(message);
    }
  }
}

function crashingContainers(statuses: JsonValue | undefined): string[] {
  if (!Array.isArray(statuses)) return [];
  return statuses.flatMap((container) => {
    if (!isJsonObject(container) || !isJsonObject(container.state) || !isJsonObject(container.state.waiting)) return [];
    return container.state.waiting.reason === 'CrashLoopBackOff' ? [textOf(container.name)] : [];
  });
}

function assessClaim({ status }: Resource): Readiness {
  if (status?.phase === 'Bound') return ready;
  if (status?.phase === 'Lost') return failed('its volume is lost');
  // Many storage classes bind a claim only when a pod uses it. The pod must not wait for that.
  return { ...progressing('it is not bound yet'), isPassable: true };
}

function assessService({ spec }: Resource): Readiness {
  if (spec?.type === 'LoadBalancer' && !spec.clusterIP) return progressing('it has no cluster IP yet');
  return ready;
}

function assessDefinition({ status }: Resource): Readiness {
  const names = findCondition(status, 'NamesAccepted');
  if (names?.status === 'False') return failed(names.message || 'its names conflict with those of another definition');
  const established = findCondition(status, 'Established');
  if (established?.status === 'True') return ready;
  return progressing(established?.message || 'it is not established yet');
}

/** Returns that pods are lacking, if so: `1 of 3 pods ready`. */
function findLack(what: string, actual: number, wanted: number): Readiness | undefined {
  return actual < wanted ? progressing(`${actual} of ${wanted} pods ${what}`) : undefined;
}

function findSurplus(actual: number, wanted: number): Readiness | undefined {
  return actual > wanted ? progressing(`${actual - wanted} old pods have yet to end`) : undefined;
}

function numberAt(object: JsonValue | undefined, field: string, missing = 0): number {
  const value = isJsonObject(object) ? object[field] : undefined;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : missing;
}
