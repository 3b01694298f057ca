import { spawnSync } from 'node:child_process';
import { findHelm } from './charts/find-helm.ts';

/** `node tools/helm.ts ARGUMENTS`: Helm, which is built first where there is none. */
const helm = await findHelm((message) => console.error(message));
const { status, error } = spawnSync(helm, process.argv.slice(2), { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
