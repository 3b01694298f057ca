import type { PluginsFolderOptions } from './options.ts';
import type { Program, RunSettings } from './program.ts';

/** Program to run as a plugin. Settings that are missing have those of the source. */
export interface GivenProgram extends Partial<RunSettings> {
  /** Name of the plugin among those of the source. It appears in the log. */
  name: string;
  /** Program and arguments. */
  command: readonly [string, ...string[]];
  /** Working directory. */
  directory: string;
}

/** Runs the programs of a source. Its functions can be called from the start of the source until it is stopped. */
export interface ProgramHost {
  /** Runs a program. The former program of the same name continues until the new one has registered, and then drains. */
  use(program: GivenProgram): void;
  /** Reports that a program can't be started now, and the reason. The former one continues. */
  reject(name: string, fault: string): void;
  /** Stops a program. It finishes its in-flight calls. */
  remove(name: string): void;
}

/** Source of the programs that a controller runs as plugins, instead of a folder, such as a tool that builds them. */
export interface ProgramSource
  extends Pick<
    PluginsFolderOptions,
    'directory' | 'environment' | 'inheritedEnvironment' | 'health' | 'restart' | 'drainTimeout' | 'stopTimeout'
  > {
  /** Called once the processes can send heartbeats, while the controller leads. */
  start(host: ProgramHost): Promise<void> | void;
  /** Called when the controller stops, before the processes are stopped. */
  stop?(): Promise<void> | void;
}

/** Returns a program with all settings. */
export function programOf(given: GivenProgram, defaults: RunSettings): Program {
  const { environment, ...others } = given;
  return { ...defaults, ...others, environment: { ...defaults.environment, ...environment }, files: [] };
}
