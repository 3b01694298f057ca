import type { IncomingHttpHeaders } from 'node:http';
import type { Connection } from './connection.ts';

/** Header with the id of the connection of a request. A guard sets it, whatever the client sent. */
const connectionHeader = 'kplug-connection';

/** Connections of a server, for handlers that see only the headers of a request. */
export class OpenConnections {
  readonly #byId = new Map<string, Connection>();

  add(connection: Connection): void {
    this.#byId.set(connection.id, connection);
    connection.socket.once('close', () => this.#byId.delete(connection.id));
  }

  /** Adds the id of its connection to the headers of a request. */
  mark(headers: IncomingHttpHeaders, connection: Connection): void {
    headers[connectionHeader] = connection.id;
  }

  /** Returns the connection of a request; `undefined` if it is closed. @param header returns the value of a header of the request. */
  find(header: (name: string) => unknown): Connection | undefined {
    return this.#byId.get(String(header(connectionHeader)));
  }
}
