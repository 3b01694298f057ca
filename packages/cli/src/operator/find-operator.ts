import { operatorFileOf } from '@kplug/operator/operator-file';
import { CommandError } from '../command-error.ts';
import { meansCluster } from './cluster-choice.ts';
import type { OperatorChoice, OperatorPlace } from './operator-place.ts';
import { readOperatorFile } from './read-operator-file.ts';

const defaultUrl = 'http://127.0.0.1:8082';

/** Works out where an operator is: as named, else as its directory says, else where operators are by default. */
export async function findOperator(choice: OperatorChoice): Promise<OperatorPlace> {
  const { admin, manifests } = choice;
  const namespace = 'default';
  if (admin) return { url: toUrl(admin), origin: 'as named', namespace };
  if (meansCluster(choice)) {
    const { findOperatorPod } = await import('./find-operator-pod.ts');
    return findOperatorPod(choice);
  }
  const file = operatorFileOf(manifests);
  const found = await readOperatorFile(manifests);
  if (!found) return { url: defaultUrl, origin: `the default, as there is no ${file}`, namespace };
  const fate = isRunning(found.pid) ? '' : `, whose process ${found.pid} is gone`;
  return { url: toUrl(found.adminAddress), origin: `from ${file}${fate}`, namespace };
}

/** A URL from a URL or from an address such as `:8082`. Throws a `CommandError`. */
export function toUrl(text: string): string {
  const address = text.startsWith(':') ? `localhost${text}` : text;
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  // Every interface is listened on, but none is called so.
  const callable = url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, '$1localhost');
  if (URL.canParse(callable)) return callable.replace(/\/+$/, '');
  throw new CommandError('usage', `"${text}" is no address of an admin port; write one such as ${defaultUrl}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but is there.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
