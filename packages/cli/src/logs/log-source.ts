/** Line of a log. Its text comes from a plugin and may have any characters. */
export interface LogEntry {
  /** File of a hosted plugin, or pod and container. */
  source: string;
  /** Time of the line, as in RFC 3339; empty if it is not known. */
  time: string;
  stream: 'stdout' | 'stderr';
  text: string;
}

/** Lines that a command asks for. */
export interface LogRange {
  /** Number of last lines of each source; -1 for all. */
  tail: number;
  /** True to go on with the lines that are written later. */
  follow: boolean;
}
