#!/usr/bin/env node
// As `kubectl kplug`, where a cluster is meant unless something else is said.
process.env.KPLUG_CLUSTER ??= 'true';
await import('./main.ts');
