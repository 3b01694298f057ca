import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@kplug/testing/free-port';
import { parse } from 'yaml';
import { type Builder, RunningImage, runInImage } from './builder.ts';
import { settingsOf } from './dockerfile.ts';
import type { PluginProject } from './plugin-projects.ts';

/** Time limit of each condition, in milliseconds. */
const timeout = 90_000;

/** Prints the user's ids, and each file of a folder that the user may write. Runs in images that have a shell and little else. */
const walk = (folder: string) => `
while read -r key real _; do case $key in Uid:|Gid:) echo "$key$real";; esac; done </proc/self/status
walk() {
  for file in "$1" "$1"/* "$1"/.[!.]*; do
    [ -e "$file" ] || continue
    [ -L "$file" ] || [ ! -w "$file" ] || echo "writable $file"
    if [ "$file" != "$1" ] && [ -d "$file" ] && [ ! -L "$file" ]; then walk "$file"; fi
  done
}
walk ${folder}`;

/** Checks that an image runs as an unprivileged user, who cannot write any of its own files. */
export async function checkUser(builder: Builder, image: string, folder: string): Promise<void> {
  const output = await runInImage(builder, image, walk(folder));
  const lines = output.split('\n').filter((line) => /^(?:[UG]id:|writable )/.test(line));
  if (lines.join(' ') !== 'Uid:65532 Gid:65532')
    throw new Error(
      `${image} must run as 65532:65532, without the right to write in ${folder}:\n${lines.slice(0, 20).join('\n')}`,
    );
}

/** Sets `$work` to a new folder. Minimal images may have no `/tmp` that all may write. */
export const makeFolder =
  'for work in /tmp /dev/shm; do [ ! -w $work ] || break; done; work=$work/kplug-try-$$; mkdir $work || exit 1';

/** Checks that the command of the init container copies the plugin of an image. */
export async function checkInitContainer(builder: Builder, image: string): Promise<void> {
  const copy = 'cp -RfT /plugin $work/made && [ -s $work/made/plugin.yaml ]; code=$?';
  await runInImage(
    builder,
    image,
    `${makeFolder}\n${copy}\nrm -rf $work 2>/dev/null || busybox rm -rf $work; exit $code`,
  );
}

/** Checks that the operator's image prints its version and its help. */
export async function checkOperatorCommands(builder: Builder, image: string, version: string): Promise<void> {
  const printed = (await runInImage(builder, image, 'node /app --version')).trim();
  if (!printed.endsWith(version)) throw new Error(`${image} prints the version ${printed}, not ${version}`);
  const help = await runInImage(builder, image, 'node /app --help');
  if (!help.includes('--manifests')) throw new Error(`the help of ${image} lacks --manifests:\n${help}`);
}

interface Resources {
  resources?: { readyReason: string; implementation?: string; plugin?: string; key?: object }[];
}

/** Operator of an image on a directory, with a delegation and a resource of each project. */
export class TriedOperator {
  readonly #operator: RunningImage;
  readonly #admin: string;
  readonly heartbeat: string;

  private constructor(operator: RunningImage, admin: string, heartbeat: string) {
    this.#operator = operator;
    this.#admin = admin;
    this.heartbeat = heartbeat;
  }

  static async start(
    builder: Builder,
    image: string,
    projects: readonly PluginProject[],
    { flags = '', others = [] }: { flags?: string; others?: readonly object[] } = {},
  ): Promise<TriedOperator> {
    const heartbeat = `127.0.0.1:${await freePort()}`;
    const admin = `127.0.0.1:${await freePort()}`;
    const own = projects.flatMap(({ folder }) => delegationsOf(join(folder, 'kplug.yaml')));
    const delegations = JSON.stringify({ delegations: [...own, ...others] });
    const files = new Map([['kplug.yaml', delegations]]);
    for (const { folder, language } of projects)
      files.set(`manifests/${language}.yaml`, readFileSync(join(folder, 'samples/office.yaml'), 'utf8'));
    const written = [...files].map(([path, text]) => `cat >${path} <<'END'\n${text}\nEND`);
    const preparation = [`${makeFolder}; cd $work && mkdir manifests`, ...written].join('\n');
    const addresses = `--grpc-bind-address ${heartbeat} --admin-bind-address ${admin}`;
    const command = `node /app --manifests manifests --config kplug.yaml ${addresses} ${flags}`;
    const operator = new RunningImage(builder, image, command, preparation);
    const tried = new TriedOperator(operator, `http://${admin}`, heartbeat);
    await tried.until('it is ready', [], () => answers(`http://${admin}/readyz`));
    return tried;
  }

  /** Waits until the resource of each project is ready, by its own plugin. */
  async reconciles(projects: readonly PluginProject[], plugins: readonly RunningImage[]): Promise<void> {
    await this.until(`the resources of ${projects.map(({ kind }) => kind).join(', ')} are ready`, plugins, async () => {
      const { resources = [] } = JSON.parse(await this.#ask('DelegationService/ListResources')) as Resources;
      return resources.length === projects.length && resources.every(({ readyReason }) => readyReason === 'Ready');
    });
    const names = projects.map(({ name }) => name);
    await this.registers(names, plugins);
  }

  /** Waits until all of some plugins are registered. */
  async registers(names: readonly string[], plugins: readonly RunningImage[]): Promise<void> {
    await this.until(`${names.join(', ')} are registered`, plugins, async () => {
      const listed = await this.#ask('RegistryService/ListPlugins');
      return names.every((name) => listed.includes(`"${name}"`));
    });
  }

  async stop(): Promise<void> {
    await stopped(this.#operator);
  }

  async until(condition: string, others: readonly RunningImage[], holds: () => Promise<boolean>): Promise<void> {
    await waitUntil(condition, [this.#operator, ...others], holds);
  }

  async #ask(method: string): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(`${this.#admin}/kplug.v1.${method}`, { method: 'POST', headers, body: '{}' })).text();
  }
}

/** Waits until a condition holds. Rejects with the output of the programs if one of them ends before, or if it takes too long. */
export async function waitUntil(
  condition: string,
  running: readonly RunningImage[],
  holds: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    const ended = running.find(({ exitCode }) => exitCode !== null);
    if (ended || Date.now() > end) {
      const outputs = running.map(({ image, output }) => `--- ${image}\n${output}`).join('\n');
      const reason = ended ? `${ended.image} ended with ${ended.exitCode}` : `timed out after ${timeout / 1000} s`;
      throw new Error(`waiting until ${condition}: ${reason}\n${outputs}`);
    }
    await sleep(200);
  }
}

/** Starts the entrypoint of a plugin's image, which sends heartbeats to an operator. */
export function startPlugin(builder: Builder, { image, folder }: PluginProject, heartbeat: string): RunningImage {
  const { entrypoint } = settingsOf(readFileSync(join(folder, 'Dockerfile'), 'utf8'));
  const words = entrypoint.map((word) => `'${word}'`).join(' ');
  return new RunningImage(builder, image, `KPLUG_CONTROLLER=${heartbeat} ${words}`);
}

/** Stops programs, and fails unless each ends with 0. */
export async function stopped(...programs: readonly RunningImage[]): Promise<void> {
  for (const program of programs) {
    const code = await program.stop();
    if (code !== 0) throw new Error(`${program.image} ended with ${code} after SIGTERM:\n${program.output}`);
  }
}

function delegationsOf(file: string): object[] {
  return (parse(readFileSync(file, 'utf8')) as { delegations: object[] }).delegations;
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
