import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort } from '@kplug/testing/free-port';
import { accepts } from '../accepts.ts';
import { useOwnPort } from '../day-one/operator-ports.ts';
import { run } from '../image/run.ts';
import { type Builder, buildImage, RunningImage } from './builder.ts';
import { checkUser, makeFolder, stopped, waitUntil } from './checks.ts';
import { lockPackages } from './plugin-projects.ts';
import type { ReleaseRegistry } from './release-registry.ts';

const main = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const image = 'kplug-try/generated-operator:0.1.0';

/** Generates an operator by `kplug init operator`, builds its image, and starts it on a directory, where it listens for heartbeats. */
export async function tryOperatorProject(builder: Builder, registry: ReleaseRegistry, folder: string): Promise<void> {
  run('node', [main, 'init', 'operator', folder, '--yes']);
  const port = await freePort();
  useOwnPort(folder, `127.0.0.1:${port}`);
  await lockPackages(folder, registry, ['controller', 'cli', 'sdk']);
  const args = ['--build-arg', `NPM_CONFIG_REGISTRY=${registry.url('npm')}`, '--tag', image, folder];
  await buildImage(builder, args, `building ${image}`);
  await checkUser(builder, image, '/app');
  const sample = readFileSync(join(folder, 'samples/office.yaml'), 'utf8');
  const preparation = `${makeFolder}; cd $work && mkdir samples\ncat >samples/office.yaml <<'END'\n${sample}\nEND`;
  const operator = new RunningImage(builder, image, 'node /app/operator.ts samples', preparation);
  await waitUntil('the generated operator listens', [operator], () => accepts(port));
  await stopped(operator);
}
