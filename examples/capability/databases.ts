import { databases } from './databases/capability.ts';

const { POSTGRESQL_IMAGE = 'postgres:{version}', MARIADB_IMAGE = 'mariadb:{version}' } = process.env;

await databases({ postgresql: POSTGRESQL_IMAGE, mariadb: MARIADB_IMAGE }).serve();
