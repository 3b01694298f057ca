import type { HostedPlugin } from '../registry/hosted.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { type PluginCondition, readConditions, stampCondition } from './conditions.ts';
import { recordNameOf } from './plugin-record.ts';

/** How much of a condition's message is kept; a CustomResourceDefinition limits it. */
const longestMessage = 4_096;

/** What tells the record of a plugin of the folder: its name and version, or while it hasn't registered, the name of its file. */
export function hostedKeyOf({ name, plugin, version }: HostedPlugin): string {
  return plugin && version ? recordNameOf({ plugin, version }) : recordNameOf({ plugin: 'folder', version: name });
}

/** Adds to a record how the processes fare that are run from the folder. `record` is missing where none has registered yet. */
export function composeHosted(
  record: PluginRecord | undefined,
  hosted: readonly HostedPlugin[],
  former: PluginRecord | undefined,
): PluginRecord | undefined {
  const [first] = hosted;
  if (!first) return record;
  const whole = record ?? unregistered(first);
  const { spec, status } = whole;
  const others = readConditions(status).filter(({ type }) => type !== 'Running');
  const running = stampCondition(runningOf(hosted), former);
  const source = 'folder';
  return { ...whole, spec: { ...spec, source }, status: { ...status, source, conditions: [...others, running] } };
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

/** The one that fares worst speaks for all. */
const worstFirst = ['failing', 'back-off', 'ended', 'starting', 'draining', 'live'] as const;

function runningOf(hosted: readonly HostedPlugin[]): PluginCondition {
  const [worst] = [...hosted].sort((a, b) => worstFirst.indexOf(a.state) - worstFirst.indexOf(b.state));
  if (!worst) throw new RangeError('a condition is of one process at least');
  const { name, state, message, lastLines } = worst;
  const isRunning = state === 'live' || state === 'draining';
  const lines = isRunning ? [] : lastLines.map((line) => `\n${line}`);
  const text = `${name} is ${state}${message && `: ${message}`}${lines.join('')}`;
  return {
    type: 'Running',
    status: isRunning ? 'True' : 'False',
    reason: reasons[state],
    message: text.slice(0, longestMessage),
  };
}
