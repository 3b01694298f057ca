#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Before anything else is loaded: from the second run on, nothing has to be compiled again.
enableCompileCache();
const { run } = await import('./program.ts');
const { processTerminal } = await import('./output/terminal.ts');

process.exitCode = await run(process.argv.slice(2), processTerminal());
