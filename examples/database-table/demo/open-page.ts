import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const kplug = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));

/** Opens the page of an operator as `kplug ui` does. Returns the line that says what happened. */
export async function openPage(url: string): Promise<string> {
  const { stderr } = await promisify(execFile)(process.execPath, [kplug, 'ui', '--admin', url]);
  return stderr.trim();
}
