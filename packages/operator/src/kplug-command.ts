/** Returns the command line that runs `kplug` in the same way as this process was started: from a clone, by npx, or installed. */
export function kplugCommand({ npm_lifecycle_event: script }: NodeJS.ProcessEnv = process.env): string {
  if (script === 'kplug') return 'npx -y pnpm@12 -s kplug';
  return script === 'npx' ? 'npx @kplug/cli' : 'kplug';
}
