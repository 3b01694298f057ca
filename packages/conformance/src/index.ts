import './require-node.ts';

export { conformController } from './controller/conform-controller.ts';
export type { ControllerAccess } from './controller/controller-access.ts';
export { differences } from './differences.ts';
export { ConformanceError, type ConformanceErrorCode } from './errors.ts';
export { eventually } from './eventually.ts';
export {
  type ConformControllerOptions,
  type ConformPluginOptions,
  type ControllerTimes,
  type DelegatedOptions,
  defaultControllerTimes,
  defaultPluginTimes,
  type PluginTimes,
  type Protocol,
} from './options.ts';
export { conformAddress, conformCommand } from './plugin/conform-plugin.ts';
export { describeAnswer, nameOf, stateOf } from './plugin/describe-answer.ts';
export { PluginProcess } from './plugin/plugin-process.ts';
export { type StartedPlugin, startPlugin } from './plugin/start-plugin.ts';
export { describeVerdict, formatJUnit, type Report, resultNames, summarize } from './report.ts';
export type { Level } from './requirement.ts';
export type { Verdict } from './run-requirements.ts';
