import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Edits a generated operator as a user does whose ports are in use. */
export function useOwnPort(folder: string, heartbeatAddress: string): void {
  const file = join(folder, 'operator.ts');
  const text = readFileSync(file, 'utf8');
  const options = `resources: await openDirectory({ directory, logger }), heartbeatAddress: '${heartbeatAddress}', adminAddress: false`;
  const edited = text.replace('resources: await openDirectory({ directory, logger })', options);
  if (edited === text) throw new Error(`${file} opens no directory`);
  writeFileSync(file, edited);
}
