import { Client } from 'pg';
import { table } from './narrator.ts';

/** Client of the PostgreSQL server, for what a user would do with `psql`. */
export class PostgresView {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async connect(url: string): Promise<PostgresView> {
    const client = new Client({ connectionString: url });
    // The server may stop before the connection is closed.
    client.on('error', () => undefined);
    await client.connect();
    return new PostgresView(client);
  }

  async run(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  async insertUsers(count: number): Promise<void> {
    const rows = "SELECT id, 'user ' || id FROM generate_series(1, $1::int) AS id";
    await this.#client.query(`INSERT INTO users (id, name) ${rows}`, [count]);
  }

  /** Lists the columns of a table: name and type. */
  async columns(name: string): Promise<string[][]> {
    const { rows } = await this.#client.query<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [name],
    );
    return rows.map(({ name: column, type }) => [column, type]);
  }

  /** Describes the columns and the partitioning of a table. */
  async describe(name: string): Promise<string> {
    const { rows } = await this.#client.query<{ key: string | null }>('SELECT pg_get_partkeydef($1::regclass) AS key', [
      name,
    ]);
    return `${table(['COLUMN', 'TYPE'], await this.columns(name))}\npartitioned by ${rows[0]?.key ?? 'nothing'}`;
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
