import { spawnSync } from 'node:child_process';
import { findHelm } from './charts/find-helm.ts';
import { helmArguments } from './charts/helm-arguments.ts';

/** `node tools/helm.ts ARGUMENTS`: runs Helm, and builds it first if it is not installed. */
const helm = await findHelm((message) => console.error(message));
const { status, error } = spawnSync(helm, helmArguments(process.argv.slice(2)), { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
