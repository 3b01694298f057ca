import { kubernetesVersion } from '@kplug/testing/control-plane/versions';

/** Commands that render charts without a cluster. */
const offlineCommands = ['template', 'lint'];

/**
 * Returns the arguments of a Helm command, with the Kubernetes version of the tests where no cluster has one. Helm's own default depends
 * on its build: one made by `go install` assumes 1.20, which the charts don't support.
 */
export function helmArguments(args: readonly string[]): string[] {
  const [command = ''] = args;
  const isGiven = args.some((arg) => arg === '--kube-version' || arg.startsWith('--kube-version='));
  if (!offlineCommands.includes(command) || isGiven) return [...args];
  return [command, '--kube-version', kubernetesVersion, ...args.slice(1)];
}
