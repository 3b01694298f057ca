import { KubeConfig } from '@kubernetes/client-node';
import type { BrokerAnswer } from './broker.ts';

/** How long a file waits for the control plane, in milliseconds: its binaries may have to be built first. */
export const startTimeout = 30 * 60_000;

/** The kubeconfig of the control plane that the test files of a run share. Its user may do everything. */
export async function connect(): Promise<KubeConfig> {
  const { kubeconfig } = await ask('/control-plane');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig ?? '');
  return kubeConfig;
}

/** The folder of the binaries, for a file that needs a control plane of its own. */
export async function assets(): Promise<string> {
  const answer = await ask('/assets');
  return answer.assets ?? '';
}

async function ask(path: string): Promise<BrokerAnswer> {
  // Loaded only here, as the benchmarks use the other files of this folder without Vitest.
  const { inject } = await import('vitest');
  const response = await fetch(`${inject('controlPlaneBroker')}${path}`);
  const answer = (await response.json()) as BrokerAnswer;
  if (answer.error) throw new Error(answer.error);
  return answer;
}
