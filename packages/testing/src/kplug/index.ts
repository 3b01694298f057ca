export { GreetingWorkspace, world } from './greeting-workspace.ts';
export { greetingPlugin, kplug, type ProcessOptions, RunningProcess, startKplug } from './kplug-process.ts';
export {
  delegationOf,
  greetingKind,
  home,
  OperatedCluster,
  objects,
  operatorPod,
  sliceOf,
} from './operated-cluster.ts';
