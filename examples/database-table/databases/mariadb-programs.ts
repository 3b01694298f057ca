import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { userCacheFolder } from '@kplug/testing/user-cache';

/** Programs of a MariaDB server. */
export interface MariaDbPrograms {
  /** Path of the server. */
  mariadbd: string;
  /** Path of the program that makes an empty data folder. */
  installDb: string;
  /** Arguments that both programs need besides their own. */
  args: readonly string[];
}

/** Version of the MariaDB in Maven's artifact. */
export const archivedVersion = '11.4.5';

/** Error message for a machine without MariaDB. */
export const mariaDbMissing =
  'MariaDB not found: mariadbd and mariadb-install-db are not on PATH. ' +
  'Install it with `apt-get install mariadb-server` (Debian, Ubuntu) or `brew install mariadb` (macOS), ' +
  'or on Linux x64 run `npx -y pnpm@12 mariadb:install`, which needs Maven with a JDK and no root.';

/**
 * Finds MariaDB on this machine: the installed one, else the one that `installMariaDb` keeps in the user's cache. With
 * `KPLUG_TEST_MARIADB=archive`, only the latter.
 */
export function findMariaDb(): MariaDbPrograms | undefined {
  return (process.env.KPLUG_TEST_MARIADB === 'archive' ? undefined : findInstalled()) ?? findCached();
}

/** Folder of the MariaDB in the user's cache. */
export function cachedFolder(): string {
  return join(userCacheFolder(), `mariadb-${archivedVersion}-linux-x64`);
}

/** Paths of the programs in an unpacked archive. */
export function archivedPrograms(folder: string): MariaDbPrograms {
  return {
    mariadbd: join(folder, 'bin/mariadbd'),
    installDb: join(folder, 'scripts/mariadb-install-db'),
    args: [`--basedir=${folder}`],
  };
}

function findInstalled(): MariaDbPrograms | undefined {
  // Debian keeps servers in folders that are not in every user's path.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const find = (program: string) => folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  const mariadbd = find('mariadbd');
  const installDb = find('mariadb-install-db');
  return mariadbd && installDb ? { mariadbd, installDb, args: [] } : undefined;
}

function findCached(): MariaDbPrograms | undefined {
  const folder = cachedFolder();
  return existsSync(folder) ? archivedPrograms(folder) : undefined;
}
