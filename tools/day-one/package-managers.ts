import type { Commands } from './newcomer.ts';

/** Package managers of newcomers by their names in the output. All come from the npm registry. */
export const packageManagers = {
  npm: { runPackage: 'npx -y', translate: (command) => command },
  pnpm: manager('npx -y pnpm@12', 'dlx', 'exec'),
  'yarn 4': manager('npx -y @yarnpkg/cli-dist@4.18.1', 'dlx', 'exec'),
  // It runs no packages that are not installed.
  'yarn 1': { ...manager('npx -y yarn@1.22.22', 'dlx', '-s'), runPackage: 'npx -y' },
} satisfies Record<string, Commands>;

function manager(program: string, runPackage: string, execute: string): Commands {
  return {
    runPackage: `${program} ${runPackage}`,
    translate: (command) =>
      command
        .replace(/^npm /, `${program} `)
        .replace(/^(?:pnpm|yarn) /, `${program} `)
        .replace(/^npx (?=kplug)/, `${program} ${execute} `),
  };
}
