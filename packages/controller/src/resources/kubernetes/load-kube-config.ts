import { KubeConfig } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';

/** Choice of a kubeconfig and a context. */
export interface KubeConfigChoice {
  /** Path of the kubeconfig. Default: as for `kubectl`. */
  kubeconfig?: string;
  /** Context. Default: the current one. */
  context?: string;
}

/** Server that client-node falls back to when it finds no kubeconfig. */
const lastResort = 'http://localhost:8080';

/**
 * Loads a kubeconfig from a file, or as `kubectl` does: from `KUBECONFIG`, else the home directory, else the service account of the pod.
 * Throws `InvalidConfiguration`.
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
      'There is no kubeconfig, and this process is not in a pod: set KUBECONFIG, or use a directory of manifests.';
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
