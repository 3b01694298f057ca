import type { Instance } from '../resources/instance.ts';
import { fromSecret, type Server } from '../resources/manifests.ts';
import { database, user } from './names.ts';

const settings = `[mariadbd]
innodb_buffer_pool_size = 64M
max_connections = 50
`;

/** MariaDB, as its official image runs it. A newer version upgrades the files of an older one when it starts. */
export function mariadb({ name, password }: Instance): Server {
  return {
    type: 'mariadb',
    port: 3306,
    secret: { username: user, password },
    files: { 'server.cnf': settings },
    dataPath: '/var/lib/mysql',
    args: ['mariadbd', '--defaults-extra-file=/config/server.cnf'],
    env: [
      { name: 'MARIADB_USER', value: user },
      { name: 'MARIADB_DATABASE', value: database },
      fromSecret(name, 'MARIADB_PASSWORD', 'password'),
      { name: 'MARIADB_RANDOM_ROOT_PASSWORD', value: '1' },
      { name: 'MARIADB_AUTO_UPGRADE', value: '1' },
    ],
  };
}
