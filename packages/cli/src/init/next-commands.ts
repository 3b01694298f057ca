/** Package managers that run `kplug init` and install what it creates, by the start of their user agent. */
const installers = ['npm', 'pnpm', 'yarn', 'bun'] as const;

/**
 * Returns the commands for the user to run next: those of the template, in the folder of the project. An `npm install` becomes that of the
 * package manager that runs this command.
 */
export function nextCommands(
  folder: string,
  commands: readonly string[],
  userAgent = process.env.npm_config_user_agent ?? '',
): string[] {
  const installer = installers.find((name) => userAgent.startsWith(`${name}/`)) ?? 'npm';
  const own = commands.map((command) => (command === 'npm install' ? `${installer} install` : command));
  return folder === '.' ? own : [`cd ${quote(folder)}`, ...own];
}

/** Quotes a word for a shell where that is needed. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
