#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Before anything else is loaded, so that later runs don't compile it again.
enableCompileCache();
const { runProgram } = await import('./program.ts');

process.exitCode = await runProgram(process.argv.slice(2));
