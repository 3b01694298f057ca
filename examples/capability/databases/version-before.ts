import { type Dependents, terminal } from '@kplug/sdk';
import { upgradedFromAnnotation, versionLabel } from '../resources/instance.ts';

/**
 * Returns the version from which an instance is upgraded: that of its StatefulSet, which is the version of the data, or else that of the
 * last call; `undefined` if it is new. After an upgrade it stays the same, so that the pod is not restarted without need. Throws a
 * `PluginError` for a downgrade.
 */
export function versionBefore({
  version,
  previousVersion,
  set,
}: {
  version: string;
  previousVersion: string;
  set: ReturnType<Dependents['get']>;
}): string | undefined {
  const current = set?.metadata.labels?.[versionLabel] ?? previousVersion;
  if (current === version) return set?.metadata.annotations?.[upgradedFromAnnotation];
  if (current === '') return undefined;
  if (version.localeCompare(current, 'en', { numeric: true }) < 0) {
    const message = `version ${version} can't read the data of version ${current}; set spec.version to ${current}`;
    throw terminal(message, { reason: 'DowngradeRefused' });
  }
  return current;
}
