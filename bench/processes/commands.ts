/** What a process of a benchmark can be told to do, by name. Arguments and results cross as JSON. */
export type Commands = Record<string, (argument: never) => unknown>;

/** One call of a command. */
export interface CommandCall {
  id: number;
  command: string;
  argument: unknown;
}

/** What came of a call. */
export type CommandResult = { id: number; result: unknown } | { id: number; error: string };

/** How much processor time a process has used, and when that was read. Both in milliseconds. */
export interface Usage {
  cpu: number;
  at: number;
}

/** The time in milliseconds by a clock that all processes of this machine share and nobody sets. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The processor time that this process has used so far, in the system's part and in its own. */
export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1_000, at: sharedNow() };
}

/** Serves commands to the process that forked this one, and ends when that one does. */
export function serveCommands(commands: Commands): void {
  const known: Record<string, (argument: never) => unknown> = { ...commands, usage };
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, command, argument }: CommandCall) => {
    const reply = (result: CommandResult) => process.send?.(result);
    try {
      const run = known[command];
      if (!run) throw new Error(`there is no command "${command}"`);
      reply({ id, result: await run(argument as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}
