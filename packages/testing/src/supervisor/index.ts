import { fileURLToPath } from 'node:url';

export { HostingTrial, isRunning, makeFolder, moduleOf, packages, put, waitOptions } from './hosting-trial.ts';
export { type ArchiveEntry, architecture, archiveOf, ReleaseServer, sha256Of } from './release-server.ts';

/** Program of an operator that runs the plugins of the directory in its first argument. */
export const hostingOperator = fileURLToPath(new URL('./hosting-operator.ts', import.meta.url));
