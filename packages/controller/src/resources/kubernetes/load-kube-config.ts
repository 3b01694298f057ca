import { KubeConfig } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';

/** Which kubeconfig, and what of it. */
export interface KubeConfigChoice {
  /** A file. Default: as `kubectl` finds it. */
  kubeconfig?: string;
  /** Default: the current one. */
  context?: string;
}

/** Where client-node looks when it has found nothing. */
const lastResort = 'http://localhost:8080';

/**
 * The kubeconfig of a file, or as `kubectl` finds it: from `KUBECONFIG`, else from the home directory, else the service account
 * of the pod this runs in. Throws `InvalidConfiguration`.
 */
export function loadKubeConfig({ kubeconfig: file, context }: KubeConfigChoice): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    if (file === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(file);
  } catch (cause) {
    const what = file === undefined ? 'The kubeconfig' : `The kubeconfig ${file}`;
    throw new KplugError('InvalidConfiguration', `${what} can't be read: ${messageOf(cause)}.`, { cause });
  }
  if (file === undefined && kubeConfig.getCurrentCluster()?.server === lastResort) {
    const message =
      'There is no kubeconfig, and this is no pod of a cluster: set KUBECONFIG, or name a directory of manifests.';
    throw new KplugError('InvalidConfiguration', message);
  }
  if (context === undefined) return kubeConfig;
  const names = kubeConfig.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    const message = `The kubeconfig has no context "${context}"; it has ${names.join(', ') || 'none'}.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  kubeConfig.setCurrentContext(context);
  return kubeConfig;
}
