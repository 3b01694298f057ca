import type { SecureContextOptions } from 'node:tls';
import { operatorFileOf } from '@kplug/operator/operator-file';
import { CommandError } from '../command-error.ts';
import { type ClusterChoice, meansCluster } from './cluster-choice.ts';
import { readOperatorFile } from './read-operator-file.ts';

/** What a command line says of the operator that it means. */
export interface OperatorChoice extends ClusterChoice {
  /** The namespace of the operator of a cluster. */
  operatorNamespace?: string;
  /** The URL or address of an admin port. */
  admin?: string;
  /** The directory of manifests that the operator runs on. */
  manifests: string;
}

/** Where an operator should be, and who says so. */
export interface OperatorPlace {
  url: string;
  /** For people: where the URL is from, and what is known of the process there. */
  origin: string;
  /** The namespace that is meant where none is named. */
  namespace: string;
  /** What it takes to be let in, where that is an API server. */
  credentials?: OperatorCredentials;
}

/** How requests prove who they are from, and to whom they go. */
export interface OperatorCredentials {
  headers: Readonly<Record<string, string>>;
  tls: Readonly<SecureContextOptions & { servername?: string; rejectUnauthorized?: boolean | undefined }>;
}

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
