/** Commands of a process of a benchmark, by name. Arguments and results are JSON. */
export type Commands = Record<string, (argument: never) => unknown>;

/** Call of a command. */
export interface CommandCall {
  id: number;
  command: string;
  argument: unknown;
}

/** Result of a call. */
export type CommandResult = { id: number; result: unknown } | { id: number; error: string };

/** CPU time of a process, and the time of the measurement. Both in milliseconds. */
export interface Usage {
  cpu: number;
  at: number;
}

/** Time of a monotonic clock that all processes of the machine share, in milliseconds. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** User and system CPU time that this process has used. */
export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1_000, at: sharedNow() };
}

/** Serves commands to the parent process, and exits with it. */
export function serveCommands(commands: Commands): void {
  const known: Record<string, (argument: never) => unknown> = { ...commands, usage };
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, command, argument }: CommandCall) => {
    const reply = (result: CommandResult) => process.send?.(result);
    try {
      const run = known[command];
      if (!run) throw new Error(`unknown command "${command}"`);
      reply({ id, result: await run(argument as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}
