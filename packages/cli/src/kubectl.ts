#!/usr/bin/env node
// As `kubectl kplug`, the default is a cluster instead of a directory.
process.env.KPLUG_CLUSTER ??= 'true';
await import('./main.ts');
