#!/usr/bin/env node
// Without static imports, so that an old Node.js can print this error instead of a SyntaxError.
await import('./require-node.ts').catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const { enableCompileCache } = await import('node:module');
// Before other modules are loaded, so that later runs don't compile them again.
enableCompileCache();
const { run } = await import('./program.ts');
const { processTerminal } = await import('./output/terminal.ts');

process.exitCode = await run(process.argv.slice(2), processTerminal());

export {};
