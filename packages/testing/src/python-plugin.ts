import { type OperatorOfPlugins, type PluginProgram, startPluginProgram } from './plugin-program.ts';

/** A plugin process in Python. It is killed when the test ends. */
export type PythonPlugin = PluginProgram;

/** Starts a plugin file with a Python interpreter and waits until the operator has registered it. */
export function startPythonPlugin(
  operator: OperatorOfPlugins,
  python: string,
  file: string,
  env: Record<string, string> = {},
): Promise<PythonPlugin> {
  return startPluginProgram(operator, [python, file], env);
}
