/** A plugin in a process of its own. What it starts itself ends with it. */
export declare class PluginProcess implements AsyncDisposable {
  #private;
  private constructor();
  /** Starts a command. Rejects when there is no such program. */
  static start(command: readonly string[], env: Record<string, string>): Promise<PluginProcess>;
  /** What it wrote on standard output and standard error. */
  get output(): string;
  /** How it ended, if it has: its exit code, or the signal that ended it. */
  get ending(): number | NodeJS.Signals | undefined;
  /** Asks it to stop, as Kubernetes asks a container's first process. */
  terminate(): void;
  [Symbol.asyncDispose](): Promise<void>;
}
