import type { Instance } from '../registry/instance.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import type { DeclarationReport } from '../resources/declared-plugin.ts';
import { conditionsOf, type PluginCondition, readConditions, stampCondition } from './conditions.ts';
import { describeInstances } from './plugin-record.ts';

/** Writes down a declared plugin, which may have no instance that could be asked. */
export function composeDeclared(
  { record, source, spec, generation, problem }: DeclarationReport,
  instances: readonly Instance[],
  former: PluginRecord | undefined,
): PluginRecord {
  // What was said of another declaration doesn't hold for this one.
  const last = former?.ofGeneration === generation ? former : undefined;
  const conditions = conditionsOf(instances, problem).map((condition) => stampCondition(condition, former));
  const unknown = { ready: 'False', instanceCount: '0/0', instances: [] };
  const found = instances.length > 0 ? describeInstances(instances) : { ...last?.status, ...unknown };
  return {
    ...record,
    spec: spec ?? {},
    ...(spec === undefined && generation !== undefined && { ofGeneration: generation }),
    status: { ...found, source, conditions: [...conditions, ...formerApis(conditions, last)] },
  };
}

/** The APIs that were implemented until the last instance went. */
function formerApis(conditions: readonly PluginCondition[], former: PluginRecord | undefined): PluginCondition[] {
  const message = 'no instance is known any more';
  return readConditions(former?.status ?? {})
    .filter(({ type }) => !conditions.some((condition) => condition.type === type))
    .map((condition) => stampCondition({ ...condition, status: 'False', reason: 'NoInstance', message }, former));
}
