import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findHelm } from '../../tools/charts/find-helm.ts';
import { helmArguments } from '../../tools/charts/helm-arguments.ts';

const run = promisify(execFile);

/** Runs `kubectl` on the cluster of the current kubeconfig and returns its output. Rejects with its error output. */
export function kubectl(...args: string[]): Promise<string> {
  return execute(process.env.KUBECTL || 'kubectl', args);
}

/** Runs `kubectl get` and parses its output. */
export async function getJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl('get', ...args, '--output=json')) as T;
}

/** Runs Helm. Builds it first if it is not installed. */
export async function helm(...args: string[]): Promise<string> {
  return execute(await findHelm((message) => console.error(message)), helmArguments(args));
}

/** Runs the `kplug` command of this repository. Rejects when it fails. */
export function kplug(...args: string[]): Promise<string> {
  const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
  return execute(process.execPath, [main, ...args]);
}

/** Loads a folder into the cluster as an image, with the command in `KPLUG_LOAD_IMAGE`. */
export async function loadImage(image: string, folder: string): Promise<void> {
  const command = process.env.KPLUG_LOAD_IMAGE;
  if (!command) {
    throw new Error(
      'Set KPLUG_LOAD_IMAGE to a shell command that loads an image into the cluster. It receives the image name in $IMAGE and the ' +
        'folder for /app in $FOLDER (see test/cluster/README.md). Set it to `true` if the images are already loaded.',
    );
  }
  await execute('sh', ['-c', command], { ...process.env, IMAGE: image, FOLDER: folder });
}

async function execute(command: string, args: string[], env = process.env): Promise<string> {
  try {
    return (await run(command, args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error });
  }
}
