import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatLimit, formatRange } from '../../packages/controller/src/limits/format-limit.ts';
import type { Limit, LimitGroup } from '../../packages/controller/src/limits/limit.ts';
import { limitTable as operatorLimits } from '../../packages/controller/src/limits/limits.ts';
import { limitTable as sdkLimits } from '../../packages/sdk/src/limits.ts';

const file = fileURLToPath(new URL('../../docs/limits.md', import.meta.url));

/** Headings of the operator's groups. A group without one has no place on the page, which doesn't compile. */
const operatorHeadings: Record<keyof typeof operatorLimits, string> = {
  ports: 'All ports',
  heartbeat: 'Heartbeat port',
  registry: 'Registrations and leases',
  identity: 'Identities',
  authentication: 'Authentication of plugins',
  registrations: 'Content of registrations',
  holders: 'Registrations of one host',
  flaps: 'Instances that change too often',
  attachments: 'Attachments',
  watches: 'Watches and sessions that are not read',
  selection: 'Selection',
  connections: 'Connections to plugins',
  calls: 'Calls of plugins',
  certificates: 'Certificates',
  discovery: 'Plugins that send no heartbeats',
  delegation: 'Delegations',
  delegationResources: 'Delegations as resources',
  expressions: 'CEL expressions',
  readiness: 'Readiness of dependents',
  states: 'States and causes of resources',
  queue: 'Timers',
  resources: 'Resources',
  directory: 'Resources in a directory',
  kubernetes: 'Resources on a cluster',
  events: 'Events on a cluster',
  pluginsFolder: 'Plugins from a folder',
  downloads: 'Downloaded plugins',
  pluginResources: 'Plugin resources',
  catalogue: 'Catalogue of capabilities',
  telemetry: 'Metrics and Events in memory',
  recording: 'Recorded calls',
  admin: 'Admin port',
  testingOperators: 'Operators in tests',
};

const sdkHeadings: Record<keyof typeof sdkLimits, string> = {
  dependents: 'Names of dependents',
  serving: 'Serving calls',
  heartbeat: 'Heartbeats',
  security: 'Security',
  v0: 'Operators of the first Kplug',
};

/** Page about limits, with the parts between the marks generated from the tables of the controller and the SDK. */
export function limitsPage(): { file: string; content: string } {
  const parts = { operator: tablesOf(operatorLimits, operatorHeadings), SDK: tablesOf(sdkLimits, sdkHeadings) };
  let content = readFileSync(file, 'utf8');
  for (const [name, tables] of Object.entries(parts)) {
    const between = new RegExp(
      `(<!-- limits of the ${name}: .* -->\n)[\\s\\S]*?(<!-- end of the ${name}'s limits -->)`,
    );
    content = content.replace(between, (_, start: string, end: string) => `${start}\n${tables}\n\n${end}`);
  }
  return { file, content };
}

function tablesOf<G extends string>(groups: Record<G, LimitGroup>, headings: Record<G, string>): string {
  const names = Object.keys(headings) as G[];
  return names.map((name) => [`### ${headings[name]}`, '', ...tableOf(groups[name])].join('\n')).join('\n\n');
}

function tableOf(group: LimitGroup): string[] {
  const rows = Object.entries(group).map(([name, limit]) => {
    const cells = [`\`${name}\``, formatLimit(limit, limit.value), formatRange(limit), settingsOf(limit)];
    return `| ${[...cells, limit.description].join(' | ')} |`.replaceAll(/\| {2}(?=\|)/g, '| ');
  });
  return ['| limit | default | range | setting | description |', '| --- | --- | --- | --- | --- |', ...rows];
}

/** Settings in code style; those with words around a name, such as a field of a file, keep the words plain. */
function settingsOf({ settings }: Limit): string {
  return settings?.map((setting) => setting.replace(/^\S+/, '`$&`')).join(', ') ?? '';
}
