import './require-node.ts';

export {
  type ConfigurationFault,
  type InspectedFile,
  inspectDelegationFile,
  readDelegationFile,
} from './configuration-file.ts';
export { ConfiguredOperator, type OperatorChoice } from './configured-operator.ts';
export { nameFlags } from './name-flags.ts';
export type { OperatorTerminal } from './operator-terminal.ts';
export { type ProgramOptions, runProgram } from './program.ts';
export type { OnStop, OperatorExtension } from './run-operator.ts';
export { untilStopped } from './stop-signals.ts';
