import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubectl } from './commands.ts';
import type { DeployedNamespace } from './deployed-namespace.ts';

/** Creates a ServiceAccount, and writes its kubeconfig into a folder. Returns the file, for commands that are run as this user. */
export async function writeUser(deployed: DeployedNamespace, folder: string, name: string): Promise<string> {
  await deployed.kubectl('create', 'serviceaccount', name);
  const token = (await deployed.kubectl('create', 'token', name)).trim();
  const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '--output=json'));
  config.users[0].user = { token };
  const file = join(folder, name);
  await writeFile(file, JSON.stringify(config));
  return file;
}
