import { operatorFileOf } from '@kplug/operator/operator-file';
import { CommandError } from '../command-error.ts';
import { findDirectories } from '../input/find-manifests.ts';
import { meansCluster } from './cluster-choice.ts';
import { isRunning } from './is-running.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';
import { readAdminAccess } from './read-admin-access.ts';
import { readOperatorFile } from './read-operator-file.ts';

const defaultUrl = 'http://127.0.0.1:8082';

/** Returns the location of the operator: the given one, else that in its manifest directory, else the default. */
export async function findOperator(choice: OperatorChoice): Promise<OperatorPlace> {
  const { admin } = choice;
  const namespace = 'default';
  if (admin) return { url: toUrl(admin), origin: 'as given', namespace, connection: await readAdminAccess(choice) };
  if (meansCluster(choice)) {
    const { findForwardedOperator } = await import('./find-forwarded-operator.ts');
    return findForwardedOperator(choice);
  }
  const { manifests, stateDir } = await findDirectories(choice);
  const file = operatorFileOf(manifests, stateDir);
  const found = await readOperatorFile(manifests, stateDir);
  if (!found) return { url: defaultUrl, origin: `the default, as there is no ${file}`, namespace };
  const exited = isRunning(found.pid) ? '' : `, whose process ${found.pid} has exited`;
  return { url: toUrl(found.adminAddress), origin: `from ${file}${exited}`, namespace };
}

/** Converts an address such as `:8082` to a URL. Throws a `CommandError`. */
export function toUrl(text: string): string {
  const address = text.startsWith(':') ? `localhost${text}` : text;
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  // Listen addresses for all interfaces are not valid as destinations everywhere.
  const reachable = url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, '$1localhost');
  if (URL.canParse(reachable)) return reachable.replace(/\/+$/, '');
  throw new CommandError('usage', `"${text}" is not the address of an admin port; write one such as ${defaultUrl}`);
}
