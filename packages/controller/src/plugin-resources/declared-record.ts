import type { PluginRecord } from '../resources/cluster-services.ts';
import type { ConditionContent } from '../resources/conditions.ts';
import type { DeclarationReport } from '../resources/declared-plugin.ts';
import { conditionsOf, stampConditions, withoutInstance } from './conditions.ts';
import type { InstanceSummary } from './instance-summary.ts';
import { describeInstances } from './plugin-record.ts';

/** Composes the record of a declared plugin, which may have no instance. */
export function composeDeclared(
  { record, source, spec, generation, problem }: DeclarationReport,
  instances: InstanceSummary,
  former: PluginRecord | undefined,
): PluginRecord {
  // The status of another generation doesn't apply to this one.
  const last = former?.ofGeneration === generation ? former : undefined;
  const conditions = conditionsOf(instances, problem);
  const unknown = { ready: 'False', instanceCount: '0/0', instances: [] };
  const found = instances.size > 0 ? describeInstances(instances) : { ...last?.status, ...unknown };
  return {
    ...record,
    spec: spec ?? {},
    ...(spec === undefined && generation !== undefined && { ofGeneration: generation }),
    status: {
      ...found,
      source,
      conditions: [...stampConditions(conditions, former), ...stampConditions(formerApis(conditions, last), last)],
    },
  };
}

/** Returns conditions for the APIs that the plugin implemented until its last instance was gone. */
function formerApis(
  conditions: readonly ConditionContent[],
  former: PluginRecord | undefined,
): readonly ConditionContent[] {
  if (!former) return [];
  return withoutInstance(former).filter(({ type }) => !conditions.some((condition) => condition.type === type));
}
