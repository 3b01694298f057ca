import { durationMs } from '@bufbuild/protobuf/wkt';
import type { DelegatedResource, PluginApi, PluginInstance } from '@kplug/protocol';
import { formatAge } from './age.ts';
import { formatPairs, formatState, timeOf } from './plugin-table.ts';
import { formatTable, plain } from './table.ts';
import type { Colors } from './terminal.ts';

/** Instances and resources of a plugin. */
export interface DescribedPlugin {
  instances: readonly PluginInstance[];
  /** Resources that the plugin reconciles. */
  resources: readonly DelegatedResource[];
}

/** Formats a plugin as text, with a section for each version. */
export function describePlugin({ instances, resources }: DescribedPlugin, colors: Colors, now: number): string {
  const versions = new Set(instances.map(({ registration }) => registration?.version ?? ''));
  return [...versions]
    .map((version) => {
      const ofVersion = instances.filter(({ registration }) => registration?.version === version);
      const [first] = ofVersion;
      const name = first?.registration?.plugin ?? '';
      const itsResources = resources.filter((resource) => isHeldBy(resource, name, version));
      return [
        `${colors.bold(plain(name))} ${plain(version)}`,
        ...describeApis(ofVersion),
        '',
        indent(instanceTable(ofVersion, colors, now)),
        '',
        indent(resourceList(itsResources, colors)),
      ].join('\n');
    })
    .join('\n\n');
}

function describeApis(instances: readonly PluginInstance[]): string[] {
  const described = instances.flatMap(({ registration }) => (registration?.apis ?? []).map(describeApi));
  return [...new Set(described)];
}

function describeApi({ name, version, extensionKinds, capabilities, provides }: PluginApi): string {
  const kinds = extensionKinds.map(({ group, kind }) => (group ? `${kind}.${group}` : kind)).join(', ');
  const lines = [
    `  API           ${plain(`${name}@${version}`)}`,
    `  Extensions    ${plain(kinds) || 'any'}`,
    `  Capabilities  ${formatPairs(capabilities) || 'none'}`,
    ...provides.map(
      ({ category, type, versions }) => `  Provides      ${plain(`${category}/${type} ${versions.join(', ')}`)}`,
    ),
  ];
  return lines.join('\n');
}

function instanceTable(instances: readonly PluginInstance[], colors: Colors, now: number): string {
  const rows = instances.map((instance) => {
    const { registration, lease, stateReason, protocol, encrypted, identity } = instance;
    const [interval, ttl] = [lease?.interval, lease?.ttl].map((time) => (time ? durationMs(time) / 1_000 : 0));
    const lastSeen = timeOf(instance.lastHeardAt) ?? now;
    return [
      plain(registration?.instanceId ?? ''),
      formatState(instance, colors),
      plain(registration?.address ?? ''),
      plain(protocol),
      encrypted ? 'yes' : 'no',
      plain(identity),
      String(registration?.weight ?? 100),
      formatAge(now - lastSeen),
      `interval ${interval} s, TTL ${ttl} s`,
      formatPairs(registration?.labels ?? {}),
      plain(stateReason),
    ];
  });
  return formatTable(
    {
      header: [
        'INSTANCE',
        'STATE',
        'ADDRESS',
        'PROTOCOL',
        'TLS',
        'IDENTITY',
        'WEIGHT',
        'LAST-SEEN',
        'LEASE',
        'LABELS',
        'REASON',
      ],
      rows,
    },
    colors,
  );
}

function resourceList(resources: readonly DelegatedResource[], colors: Colors): string {
  if (resources.length === 0) return 'No resources.';
  const rows = resources.map((resource) => [
    plain(resource.key),
    plain(resource.delegation),
    plain(resource.selectionReason),
    plain(resource.readyReason),
  ]);
  return formatTable({ header: ['RESOURCE', 'DELEGATION', 'SELECTED', 'READY'], rows }, colors);
}

/** Names and versions of several plugins have the same order. */
function isHeldBy({ plugin, pluginVersion }: DelegatedResource, name: string, version: string): boolean {
  const versions = pluginVersion.split(',');
  return plugin.split(',').some((one, index) => one === name && versions[index] === version);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
