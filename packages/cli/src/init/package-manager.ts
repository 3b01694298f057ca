/** Package managers that run `kplug init`, and with which a user then continues. */
export const packageManagers = ['npm', 'pnpm', 'yarn'] as const;
export type PackageManager = (typeof packageManagers)[number];

/** Returns the package manager that runs this process, such as `pnpm dlx`. Default: npm. */
export function currentPackageManager(userAgent = process.env.npm_config_user_agent ?? ''): PackageManager {
  return packageManagers.find((name) => userAgent.startsWith(`${name}/`)) ?? 'npm';
}

/** Returns a command of npm as another package manager has it: `npm install`, `npm test`, `npx kplug`. */
export function commandFor(manager: PackageManager, command: string): string {
  if (manager === 'npm') return command;
  return command.replace(/^npm (?=install|test|start)/, `${manager} `).replace(/^npx (?=kplug)/, `${manager} exec `);
}
