export { machineAddress, portOf, serveAny, serveQuietly, spawnQuietly } from './declared-service.ts';
export { ExampleOnCluster } from './example-on-cluster.ts';
export { KubernetesOperator, type KubernetesOperatorOptions, uniqueGroup } from './kubernetes-operator.ts';
export { PluginCluster, waitOptions } from './plugin-cluster.ts';
