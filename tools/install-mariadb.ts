import { installMariaDb } from '../examples/database-table/databases/install-mariadb.ts';

/** `pnpm mariadb:install`: gets MariaDB from Maven for the tests and the demo, unless one is installed. Prints the server's path. */
console.log((await installMariaDb((message) => console.error(`MariaDB: ${message}`))).mariadbd);
