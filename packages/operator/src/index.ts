export { type OperatorConfiguration, readConfiguration } from './configuration.ts';
export { readDelegationFile } from './configuration-file.ts';
export type { OperatorTerminal } from './operator-terminal.ts';
export { type ProgramOptions, runProgram } from './program.ts';
export { type OperatorExtension, runOperator } from './run-operator.ts';
export { type Setting, variableOf } from './setting.ts';
export { allSettings } from './settings.ts';
export { untilStopped } from './stop-signals.ts';
