import './require-node.ts';

export { type OperatorConfiguration, readConfiguration } from './configuration.ts';
export {
  type ConfigurationFault,
  type InspectedFile,
  inspectDelegationFile,
  readDelegationFile,
} from './configuration-file.ts';
export { makeController } from './make-controller.ts';
export { nameFlags } from './name-flags.ts';
export type { OperatorTerminal } from './operator-terminal.ts';
export { type ProgramOptions, runProgram } from './program.ts';
export type { OnStop, OperatorExtension } from './run-operator.ts';
export { untilStopped } from './stop-signals.ts';
