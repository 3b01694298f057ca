import { ConditionStatus } from '@kplug/protocol';

/** Status of a condition, in text. */
export type ConditionText = 'True' | 'False' | 'Unknown';

/** Returns the status of a condition as Kubernetes writes it. */
export function conditionText(status: ConditionStatus | undefined): ConditionText {
  if (status === ConditionStatus.TRUE) return 'True';
  return status === ConditionStatus.FALSE ? 'False' : 'Unknown';
}
