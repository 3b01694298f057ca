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

/** Oldest Java that the plugin supports, as in its `pom.xml`. */
const oldestJava = 17;

/**
 * Builds and tests the plugin in Java, unless it is up to date, and returns the command that runs it, or `undefined` if Maven with a Java
 * that is new enough is not installed (in CI, rejects). Takes half a minute or more the first time, for Maven's downloads.
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

/** Digest of all inputs of the jar. */
function fingerprintOf(version: string): string {
  const files = globSync(['examples/plugins/java/{pom.xml,src/**/*.java}', 'proto/kplug/v1/*.proto'], {
    cwd: repository,
  });
  const hash = createHash('sha256').update(version);
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(repository, file)));
  return hash.digest('hex');
}
