import type { Own } from './check-operator.ts';
import { Check, type Finding } from './finding.ts';

/** Oldest supported Node.js. */
const minNode = 24;

/** Oldest supported minor versions of Kubernetes. The command needs aggregated discovery to list kinds. */
const minKubernetes = { operator: 27, command: 30 };

/** Versions of the components. */
export interface Versions {
  own: Own;
  /** Node.js of the operator, such as `v24.1.0`. */
  operatorNode: string | undefined;
  /** API server, such as `v1.36.3`. Missing without a cluster. */
  kubernetes?: string | undefined;
}

/** Checks that Node.js and Kubernetes are new enough. */
export function checkVersions({ own, operatorNode, kubernetes }: Versions): Finding[] {
  return [
    ...(kubernetes === undefined ? [] : [checkKubernetes(kubernetes)]),
    checkNode(own.node, 'this command'),
    ...(operatorNode === undefined ? [] : [checkNode(operatorNode, 'the operator')]),
  ];
}

function checkNode(version: string, owner: string): Finding {
  const check = new Check('NodeVersion', 'versions');
  const [, major] = /^v?(\d+)\./.exec(version) ?? [];
  if (Number(major) >= minNode) return check.ok(`${owner} runs on Node.js ${version}`);
  return check.problem(
    `${owner} runs on Node.js ${version}, but needs ${minNode}`,
    `install Node.js ${minNode} or newer, or use the image`,
  );
}

function checkKubernetes(version: string): Finding {
  const check = new Check('KubernetesVersion', 'versions');
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major !== '1' || minor === undefined) return check.warning(`the API server has the unknown version ${version}`);
  if (Number(minor) < minKubernetes.operator) {
    const message = `the API server has version ${version}, but the operator needs 1.${minKubernetes.operator}`;
    return check.problem(message, 'upgrade the cluster: older ones do not support validation rules in definitions');
  }
  if (Number(minor) < minKubernetes.command) {
    const message = `the API server has version ${version}; the operator works, but "kplug get --cluster" needs 1.${minKubernetes.command}`;
    return check.warning(message, 'use kubectl instead, or upgrade the cluster');
  }
  return check.ok(`the API server has version ${version}`);
}
