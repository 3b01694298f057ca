#!/usr/bin/env node
// Without static imports, so that an old Node.js can print this error instead of a SyntaxError.
await import('./require-node.ts').catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const [{ enableCompileCache }, { basename }] = await Promise.all([import('node:module'), import('node:path')]);
// Before other modules are loaded, so that later runs don't compile them again.
enableCompileCache();
// By a link of this name the command is a plugin of kubectl, which uses a cluster instead of a directory.
if (basename(process.argv[1] ?? '') === 'kubectl-kplug') process.env.KPLUG_CLUSTER ??= 'true';
const { run } = await import('./program.ts');
const { processTerminal } = await import('./output/terminal.ts');

process.exitCode = await run(process.argv.slice(2), processTerminal());

export {};
