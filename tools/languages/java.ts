import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inTurn } from './in-turn.ts';
import { findMaven } from './maven.ts';
import { runWithProgress } from './run-with-progress.ts';
import { skipWithout } from './toolchain.ts';

const repository = resolve(import.meta.dirname, '../..');
const project = join(repository, 'examples/plugins/java');
const jar = join(project, 'target/sqlite-plugin.jar');
const stamp = join(project, 'target/kplug-built');

/** The oldest Java that the plugin is for, as in its `pom.xml`. */
const oldestJava = 17;

/**
 * Builds and tests the plugin in Java, unless that was done, and returns the command that runs it; half a minute or more the first
 * time, as Maven downloads what it needs. `undefined` where there is no Maven with a Java that is new enough, but in CI that is an
 * error.
 */
export async function buildJavaPluginFor(what: string): Promise<string[] | undefined> {
  const maven = await findMaven();
  if (!maven || maven.version < oldestJava) return skipWithout(`Maven with Java ${oldestJava} or newer`, what);
  const command = [join(maven.home, 'bin/java'), '-jar', jar];
  const fingerprint = fingerprintOf(String(maven.version));
  return await inTurn(project, async () => {
    if (existsSync(jar) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return command;
    await runWithProgress(
      {
        program: 'mvn',
        args: ['--batch-mode', '--no-transfer-progress', 'clean', 'package'],
        cwd: project,
        title: 'building the plugin in Java',
      },
      (message) => console.error(message),
    );
    writeFileSync(stamp, fingerprint);
    return command;
  });
}

/** Changes with whatever the jar is made of. */
function fingerprintOf(version: string): string {
  const files = globSync(['examples/plugins/java/{pom.xml,src/**/*.java}', 'proto/kplug/v1/*.proto'], {
    cwd: repository,
  });
  const hash = createHash('sha256').update(version);
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(repository, file)));
  return hash.digest('hex');
}
