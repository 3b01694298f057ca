#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Has to be enabled before other modules are loaded.
enableCompileCache();
const { run } = await import('./program.ts');
const { processTerminal } = await import('./output/terminal.ts');

process.exitCode = await run(process.argv.slice(2), processTerminal());
