import type { HostedPlugin } from '../registry/hosted.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { type ConditionContent, readConditions } from '../resources/conditions.ts';
import { stampConditions } from './conditions.ts';
import { recordNameOf } from './plugin-record.ts';

/** Returns the key of the record of a hosted plugin: by its name and version, or by its file until it has registered. */
export function hostedKeyOf({ name, plugin, version }: HostedPlugin): string {
  return plugin && version ? recordNameOf({ plugin, version }) : recordNameOf({ plugin: 'folder', version: name });
}

/** Adds the state of hosted processes to a record. `record` is missing until one of them has registered. */
export function composeHosted(
  record: PluginRecord | undefined,
  hosted: readonly HostedPlugin[],
  former: PluginRecord | undefined,
): PluginRecord | undefined {
  const [first] = hosted;
  if (!first) return record;
  const { spec, status, ...rest } = record ?? unregistered(first);
  const others = readConditions(status).filter(({ type }) => type !== 'Running');
  const conditions = [...others, ...stampConditions([runningOf(hosted)], former)];
  const source = 'folder';
  return { ...rest, spec: { ...spec, source }, status: { ...status, source, conditions } };
}

function unregistered(hosted: HostedPlugin): PluginRecord {
  const plugin = hosted.name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 63);
  return {
    name: hostedKeyOf(hosted),
    spec: { plugin, version: '0.0.0', apis: [] },
    status: { ready: 'False', apis: '', instanceCount: '0/0', instances: [] },
  };
}

const reasons = {
  starting: 'Starting',
  live: 'Live',
  draining: 'Draining',
  'back-off': 'BackOff',
  failing: 'Failing',
  ended: 'Ended',
} as const;

/** Order of states; the condition describes the process in the first of them. */
const worstFirst = ['failing', 'back-off', 'ended', 'starting', 'draining', 'live'] as const;

function runningOf(hosted: readonly HostedPlugin[]): ConditionContent {
  const [worst] = [...hosted].sort((a, b) => worstFirst.indexOf(a.state) - worstFirst.indexOf(b.state));
  if (!worst) throw new RangeError('a condition needs at least one process');
  // Readers of the resource may not be those of logs: the output of the process is only on the admin port.
  const { name, state, summary } = worst;
  const isRunning = state === 'live' || state === 'draining';
  return {
    type: 'Running',
    status: isRunning ? 'True' : 'False',
    reason: reasons[state],
    message: `${name} is ${state}${summary && `: ${summary}`}`,
  };
}
