import { installMariaDb } from '../examples/database-table/databases/install-mariadb.ts';

/** `pnpm mariadb:install`: makes sure that there is a MariaDB for the tests and the demo, in the user's cache where none is installed. */
console.log((await installMariaDb((message) => console.error(`MariaDB: ${message}`))).mariadbd);
