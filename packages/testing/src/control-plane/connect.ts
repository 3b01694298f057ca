import { KubeConfig } from '@kubernetes/client-node';
import type { BrokerAnswer } from './broker.ts';

/** Time limit for the control plane to start, in milliseconds. Its binaries may have to be built first. */
export const startTimeout = 30 * 60_000;

/** Returns the kubeconfig of the shared control plane, with admin rights. */
export async function connect(): Promise<KubeConfig> {
  const { kubeconfig } = await ask('/control-plane');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig ?? '');
  return kubeConfig;
}

/** Returns the directory of the binaries, for a separate control plane. */
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
