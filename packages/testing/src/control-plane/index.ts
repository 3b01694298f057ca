export { Broker, type BrokerAnswer } from './broker.ts';
export { buildProgram, findGo } from './build-with-go.ts';
export { startTimeout } from './connect.ts';
export { conditionsSchema, definition, ownDefinition } from './definition.ts';
export { FaultProxy, type PassedRequest } from './fault-proxy.ts';
export { OwnControlPlane } from './own-control-plane.ts';
export { type ClusterObject, type StoredObject, TestCluster } from './test-cluster.ts';
export { TestKubelet } from './test-kubelet.ts';
