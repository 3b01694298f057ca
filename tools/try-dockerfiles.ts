import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@kplug/testing/free-port';
import { accepts } from './accepts.ts';
import { type Builder, buildImage, findBuilder, RunningImage } from './dockerfiles/builder.ts';
import {
  checkInitContainer,
  checkOperatorCommands,
  checkUser,
  makeFolder,
  startPlugin,
  stopped,
  TriedOperator,
} from './dockerfiles/checks.ts';
import { bakedImages, settingsOf } from './dockerfiles/dockerfile.ts';
import { tryOperatorProject } from './dockerfiles/operator-project.ts';
import { buildArguments, languages, makeProjects, type PluginProject } from './dockerfiles/plugin-projects.ts';
import { buildPythonImage } from './dockerfiles/python-image.ts';
import { ReleaseRegistry } from './dockerfiles/release-registry.ts';
import { versionIn } from './release/versions.ts';

/**
 * `node tools/try-dockerfiles.ts [NAME…]`: builds all images of docker-bake.hcl, and those of the plugin template in each language with the
 * packages in `dist/release`, and starts them. Names of images or languages restrict it; the operator's image is always needed. Uses
 * Docker, or the command in `KPLUG_BUILD_IMAGE`: it takes the arguments of `docker build`, and runs a command in an image with
 * `--run IMAGE -- COMMAND…`. Requires `pnpm release --dry-run`.
 */
const names = process.argv.slice(2);
const isWanted = (name: string) => names.length === 0 || names.includes(name);
const root = resolve(import.meta.dirname, '..');

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  console.log(`${title}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

/** Builds and checks the images of the bake file. */
async function tryOwnImages(builder: Builder): Promise<void> {
  const dockerfile = join(root, 'Dockerfile');
  if (settingsOf(readFileSync(dockerfile, 'utf8')).user !== '65532:65532')
    throw new Error(`${dockerfile} has another USER`);
  const baked = bakedImages(readFileSync(join(root, 'docker-bake.hcl'), 'utf8'));
  const wanted = baked.filter((name) => isWanted(name) || name === 'operator');
  for (const name of wanted) {
    const image = `kplug-try/${name}:dev`;
    await step(`built ${name}`, () =>
      buildImage(builder, ['--build-arg', `IMAGE=${name}`, '--tag', image, root], `building ${name}`),
    );
    await checkUser(builder, image, '/app');
  }
  await checkOperatorCommands(builder, operatorImage, versionIn(root));
  await step('ran them', () => runOwnImages(builder, wanted));
}

/** Names of the plugins in the images. */
const pluginNames = new Map([
  ['database-table-sqlite', 'SQLite'],
  ['database-table-postgresql', 'PostgreSQL'],
  ['database-table-mariadb', 'MariaDB'],
]);

/** Adds a name of the user to the image of the database server, as deploy/postgresql-server.yaml does. Returns the name of the image. */
async function buildServerWithUser(builder: Builder): Promise<string> {
  const context = mkdtempSync(join(tmpdir(), 'kplug-server-'));
  const name = 'postgresql-server-with-user';
  writeFileSync(
    join(context, 'passwd'),
    'root:x:0:0::/root:/sbin/nologin\ndatabase:x:65532:65532::/tmp:/sbin/nologin\n',
  );
  writeFileSync(join(context, 'Dockerfile'), 'FROM kplug-try/postgresql-server:dev\nCOPY passwd /etc/passwd\n');
  await buildImage(builder, ['--tag', `kplug-try/${name}:dev`, context], `building ${name}`);
  rmSync(context, { recursive: true });
  return name;
}

/** Runs the plugins' images with an operator, where they register, and the database server, which listens. */
async function runOwnImages(builder: Builder, names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !pluginNames.has(name) && !['operator', 'postgresql-server'].includes(name));
  if (unknown.length > 0) throw new Error(`no check starts the image ${unknown.join(', ')}: add one`);
  const base = { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' };
  const others = [{ name: 'tables', base, api: 'DatabaseTable@^1.0.0' }];
  const operator = await TriedOperator.start(builder, operatorImage, [], { others });
  const start = (name: string, variables: string) =>
    new RunningImage(builder, `kplug-try/${name}:dev`, `${variables} node /app`, makeFolder);
  const plugins = names.filter((name) => pluginNames.has(name));
  const running = plugins.map((name) => start(name, `KPLUG_CONTROLLER=${operator.heartbeat} SQLITE_DIRECTORY=$work`));
  const wanted = plugins.flatMap((name) => pluginNames.get(name) ?? []);
  await operator.registers(wanted, running);
  if (names.includes('postgresql-server')) {
    const port = await freePort();
    const variables = `PGDATA=$work/data POSTGRES_PASSWORD=in-a-test PGPORT=${port} TMPDIR=$work`;
    const server = start(await buildServerWithUser(builder), variables);
    await operator.until('the database server listens', [server], () => accepts(port));
    running.push(server);
  }
  await stopped(...running);
  await operator.stop();
}

const operatorImage = 'kplug-try/operator:dev';

async function buildProjects(
  builder: Builder,
  projects: readonly PluginProject[],
  registry: ReleaseRegistry,
): Promise<void> {
  const needsPython = !builder.hasRegistry && projects.some(({ language }) => language === 'python');
  const python = needsPython ? await step('built an image with Python', () => buildPythonImage(builder)) : undefined;
  for (const project of projects) {
    const args = buildArguments(project, registry, python);
    await step(`built the template in ${project.language}`, () =>
      buildImage(builder, args, `building ${project.image}`),
    );
    await checkUser(builder, project.image, '/plugin');
    await checkInitContainer(builder, project.image);
  }
}

/** Runs each plugin's image by itself, and then its folder in the plugins folder of the operator's image. */
async function runProjects(builder: Builder, projects: readonly PluginProject[], scratch: string): Promise<void> {
  const operator = await TriedOperator.start(builder, operatorImage, projects);
  const plugins = projects.map((project) => startPlugin(builder, project, operator.heartbeat));
  await operator.reconciles(projects, plugins);
  await stopped(...plugins);
  await operator.stop();
  const image = 'kplug-try/operator-with-plugins:dev';
  const stages = projects.map(({ image: from, language }) => `FROM ${from} AS ${language}`);
  const copies = projects.map(({ language }) => `COPY --from=${language} /plugin /plugins/${language}`);
  const context = join(scratch, 'with-plugins');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), [...stages, `FROM ${operatorImage}`, ...copies, ''].join('\n'));
  await buildImage(builder, ['--tag', image, context], `building ${image}`);
  const hosting = await TriedOperator.start(builder, image, projects, { flags: '--plugins-dir /plugins' });
  await hosting.reconciles(projects, []);
  await hosting.stop();
}

/** Reports Dockerfiles that no check of this program builds. The example of the template equals the output of `kplug init plugin`. */
function reportOthers(): void {
  const tried = [
    /^Dockerfile$/,
    /^packages\/cli\/templates\/plugin\/(?:typescript|python|go)\//,
    /^packages\/cli\/templates\/operator\//,
    /^examples\/plugin-template\//,
  ];
  for (const file of execFileSync('git', ['ls-files', '*Dockerfile'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean))
    if (!tried.some((pattern) => pattern.test(file)))
      console.log(`NOT TRIED: ${file}; add a check of it to tools/try-dockerfiles.ts`);
}

reportOthers();
const builder = await findBuilder();
if (!builder) {
  console.log('SKIPPED the Dockerfiles: there is no engine of Docker, and KPLUG_BUILD_IMAGE is not set');
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'kplug-dockerfiles-'));
  try {
    await using registry = await ReleaseRegistry.start(join(root, 'dist/release'));
    await tryOwnImages(builder);
    const projects = await step('generated and locked plugins', () =>
      makeProjects(join(scratch, 'projects'), registry, languages.filter(isWanted)),
    );
    await buildProjects(builder, projects, registry);
    if (isWanted('generated-operator')) {
      await step('built and ran a generated operator', () =>
        tryOperatorProject(builder, registry, join(scratch, 'operator')),
      );
    }
    if (projects.length > 0) await step('ran the images', () => runProjects(builder, projects, scratch));
    console.log('the images work');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
