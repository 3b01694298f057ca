import { KplugError, type Resources } from '@kplug/controller';
import { type DeletionLimits, openDirectory } from '@kplug/controller/directory';
import { type KubernetesOptions, openKubernetes } from '@kplug/controller/kubernetes';
import type { Logger } from 'pino';
import { settings as definitions, type SettingName, type SettingValues } from './settings.ts';

/** Settings that only apply to a cluster. */
const clusterSettings: readonly SettingName[] = [
  'kubeconfig',
  'context',
  'namespaces',
  'pluginNamespaces',
  'enableLeaderElection',
  'tlsSecretName',
  'tlsName',
  'tlsCaNamespaces',
];

/** Settings that only apply to a directory. */
const directorySettings = [
  'stateDir',
  'maxDeletions',
  'maxDeletionsThreshold',
] as const satisfies readonly SettingName[];

/** Opens a directory, or a cluster when none is given. Rejects with `InvalidConfiguration` when settings contradict each other. */
export async function openResources(settings: SettingValues, logger: Logger): Promise<Resources> {
  const { manifests, stateDir, kubeconfig, context, namespaces, enableLeaderElection, leaderElectionNamespace } =
    settings;
  if (manifests !== undefined) {
    const misplaced = clusterSettings.find((name) => settings[name]);
    if (misplaced) {
      const [flag] = definitions[misplaced].flags;
      throw new KplugError('InvalidConfiguration', `--${flag} needs a cluster and can't be used with --manifests`);
    }
    const states = stateDir === undefined ? {} : { stateDir };
    return openDirectory({ directory: manifests, logger, ...states, ...deletionLimitsOf(settings) });
  }
  const misplaced = directorySettings.find((name) => settings[name] !== undefined);
  if (misplaced) {
    const [flag] = definitions[misplaced].flags;
    throw new KplugError('InvalidConfiguration', `--${flag} needs a directory of manifests; add --manifests`);
  }
  return openKubernetes({
    logger,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespaces ? { namespaces } : {}),
    ...(settings.pluginNamespaces ? { pluginNamespaces: settings.pluginNamespaces } : {}),
    ...(leaderElectionNamespace === undefined ? {} : { namespace: leaderElectionNamespace }),
    ...(settings.tlsName !== undefined || settings.tlsCaNamespaces
      ? { certificates: certificateNamesOf(settings) }
      : {}),
    ...(enableLeaderElection ? { leaderElection: leaderElectionOf(settings) } : {}),
  });
}

/** Returns the limits of deletions in a directory, where they are set. */
function deletionLimitsOf({ maxDeletions, maxDeletionsThreshold }: SettingValues): Partial<DeletionLimits> {
  return {
    ...(maxDeletions !== undefined && { maxDeletions }),
    ...(maxDeletionsThreshold !== undefined && { maxDeletionsThreshold }),
  };
}

function certificateNamesOf({
  tlsName: name = 'kplug',
  tlsCaNamespaces: bundleNamespaces,
}: SettingValues): NonNullable<KubernetesOptions['certificates']> {
  return { name, ...(bundleNamespaces && { bundleNamespaces }) };
}

function leaderElectionOf(settings: SettingValues): NonNullable<KubernetesOptions['leaderElection']> {
  const { leaderElectionLeaseName: leaseName = 'kplug', leaderElectionLeaseDuration: leaseDuration } = settings;
  const { leaderElectionRenewDeadline: renewDeadline, leaderElectionRetryPeriod: retryPeriod } = settings;
  return {
    leaseName,
    ...(leaseDuration !== undefined && { leaseDuration }),
    ...(renewDeadline !== undefined && { renewDeadline }),
    ...(retryPeriod !== undefined && { retryPeriod }),
  };
}
