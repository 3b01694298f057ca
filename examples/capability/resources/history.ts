import { type Dependents, terminal } from '@kplug/sdk';
import { type History, servedAnnotation, upgradedFromAnnotation, versionLabel } from './instance.ts';

/**
 * Returns the history of an instance that is to have a version. The former version that a plugin is called with is that of the last
 * successful call, at which the server need not have started. Throws a `PluginError` for a downgrade.
 */
export function historyOf(name: string, version: string, observed: Dependents): History {
  const set = observed.get<{ status?: { [field: string]: unknown } }>('StatefulSet', name);
  const { [servedAnnotation]: before, [upgradedFromAnnotation]: upgradedFrom } = set?.metadata.annotations ?? {};
  if (before && version.localeCompare(before, 'en', { numeric: true }) < 0) {
    const message = `version ${version} can't read the data of version ${before}; set spec.version to ${before}`;
    throw terminal(message, { reason: 'DowngradeRefused' });
  }
  const from = before && before !== version ? before : upgradedFrom;
  return {
    served: set && isServing(set, version) ? version : before,
    upgradedFrom: from === version ? undefined : from,
  };
}

function isServing(
  {
    metadata,
    status = {},
  }: { metadata: { generation: number; labels?: Record<string, string> }; status?: Record<string, unknown> },
  version: string,
): boolean {
  const isCurrent = metadata.labels?.[versionLabel] === version && status.observedGeneration === metadata.generation;
  return isCurrent && status.updatedReplicas === 1 && status.readyReplicas === 1;
}
