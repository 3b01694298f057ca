import { type OperatorOfPlugins, type PluginProgram, startPluginProgram } from './plugin-program.ts';

/** A plugin in Python, in a process of its own, which ends with the test. */
export type PythonPlugin = PluginProgram;

/** Starts a plugin's file with a Python and waits until the operator knows it. */
export function startPythonPlugin(
  operator: OperatorOfPlugins,
  python: string,
  file: string,
  env: Record<string, string> = {},
): Promise<PythonPlugin> {
  return startPluginProgram(operator, [python, file], env);
}
