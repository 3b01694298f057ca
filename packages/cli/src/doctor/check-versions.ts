import type { Own } from './check-operator.ts';
import { Check, type Finding } from './finding.ts';

/** The oldest Node.js that Kplug runs on. */
const oldestNode = 24;

/** The oldest minor versions of Kubernetes: for the operator, and for this command, which lists kinds by aggregated discovery. */
const oldestKubernetes = { operator: 27, command: 30 };

/** What runs, as far as it is known. */
export interface Versions {
  own: Own;
  /** Of the operator's Node.js, such as `v24.1.0`. */
  operatorNode: string | undefined;
  /** Of the API server, such as `v1.36.3`. Missing without a cluster. */
  kubernetes?: string | undefined;
}

/** Whether what Kplug runs on is new enough. */
export function checkVersions({ own, operatorNode, kubernetes }: Versions): Finding[] {
  return [
    ...(kubernetes === undefined ? [] : [checkKubernetes(kubernetes)]),
    checkNode(own.node, 'this command'),
    ...(operatorNode === undefined ? [] : [checkNode(operatorNode, 'the operator')]),
  ];
}

function checkNode(version: string, who: string): Finding {
  const check = new Check('NodeVersion', 'versions');
  const [, major] = /^v?(\d+)\./.exec(version) ?? [];
  if (Number(major) >= oldestNode) return check.ok(`${who} runs on Node.js ${version}`);
  return check.problem(
    `${who} runs on Node.js ${version}, and needs ${oldestNode}`,
    `install Node.js ${oldestNode} or newer, or use the image, which has it`,
  );
}

function checkKubernetes(version: string): Finding {
  const check = new Check('KubernetesVersion', 'versions');
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major !== '1' || minor === undefined)
    return check.warning(`the API server's version is ${version}, which says nothing here`);
  if (Number(minor) < oldestKubernetes.operator) {
    const message = `the API server is of version ${version}, and the operator needs 1.${oldestKubernetes.operator}`;
    return check.problem(message, 'upgrade the cluster: older ones know no rules in definitions');
  }
  if (Number(minor) < oldestKubernetes.command) {
    const message = `the API server is of version ${version}; the operator runs, but "kplug get --cluster" needs 1.${oldestKubernetes.command}`;
    return check.warning(message, 'use kubectl in its place, or upgrade the cluster');
  }
  return check.ok(`the API server is of version ${version}`);
}
