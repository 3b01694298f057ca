export { freePort } from './free-port.ts';
export { type ConditionRead, keyFor, reference, TestOperator } from './operator.ts';
export { PlainPlugin } from './plain-plugin.ts';
export { countingPlugin, startPluginProcess } from './plugin-process.ts';
export { type PluginProgram, startPluginProgram } from './plugin-program.ts';
export { type PythonPlugin, startPythonPlugin } from './python-plugin.ts';
export { V0Operator } from './v0-operator.ts';
export { beat, pythonReturnedNothing, type ReadResource, V0Plugin } from './v0-plugin.ts';
