/** Options of the connections to plugins. Times in milliseconds. */
export interface ConnectionsOptions {
  /** Largest response that is accepted, in bytes. Default 4 MiB; recommended: 1 MiB to 64 MiB. */
  maxMessageSize?: number;
  /** Time that a plugin has to answer when a connection to it is opened. Default 2,000; recommended: 500 to 30,000. */
  openTimeout?: number;
  /**
   * Interval between health checks of a plugin that serves no `Watch`. Six times as long after six healthy checks in a row.
   * Default 10,000; recommended: 1,000 to 60,000.
   */
  healthInterval?: number;
  /** Time after which an unused connection is closed. Default 600,000 (10 min); recommended: 60,000 to 3,600,000. */
  idleTimeout?: number;
}
