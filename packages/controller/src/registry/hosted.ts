/**
 * What a plugin of the folder is doing.
 *
 * - `starting`: its process was started and has not registered yet.
 * - `live`: its process is registered.
 * - `draining`: it was removed, and its process is finishing what it has in flight.
 * - `back-off`: its process ended by itself and is started again soon.
 * - `failing`: it ended several times in a row, or can't be started as it is.
 * - `ended`: its process ended by itself, and its restart policy leaves it at that.
 */
export type HostedState = 'starting' | 'live' | 'draining' | 'back-off' | 'failing' | 'ended';

/** A plugin of the folder, and how it fares. */
export interface HostedPlugin {
  /** The name of its file or folder. */
  readonly name: string;
  readonly state: HostedState;
  /** Why, for people; empty while all is well. */
  readonly message: string;
  /** What it called itself when it last registered. */
  readonly plugin: string | undefined;
  readonly version: string | undefined;
  /** The newest process. */
  readonly instanceId: string | undefined;
  readonly pid: number | undefined;
  /** How often in a row it has ended by itself, without having been live for long. */
  readonly failures: number;
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number;
  /** How the last process that ended by itself did so. */
  readonly lastExit: string | undefined;
  /** What that process wrote last on standard error. */
  readonly lastLines: readonly string[];
  /** When it got into its state, in milliseconds since the epoch. */
  readonly since: number;
  /** When it is started again, if it waits for that. */
  readonly nextStartAt: number | undefined;
}

/**
 * How far a download is.
 *
 * - `waiting`: it waits for its turn.
 * - `downloading`: its bytes are coming.
 * - `unpacking`: it is checked and unpacked.
 * - `ready`: it is in the folder.
 * - `failed`: it failed, and is tried again later.
 */
export type DownloadState = 'waiting' | 'downloading' | 'unpacking' | 'ready' | 'failed';

/** A plugin of the list, and how far it is. */
export interface PluginDownload {
  /** As the list has it. */
  readonly item: string;
  readonly state: DownloadState;
  /** What went wrong, for people; empty while all is well. */
  readonly message: string;
  /** How many bytes have come. */
  readonly received: number;
  /** How many there are, once that is known. */
  readonly total: number | undefined;
  /** When it got into its state, in milliseconds since the epoch. */
  readonly since: number;
  /** When it is tried again, in milliseconds since the epoch, if it failed. */
  readonly nextTryAt: number | undefined;
}

/** A folder whose files a controller runs as plugins. */
export interface HostedFolder {
  readonly directory: string;
  /** The plugins and how they fare, by name. */
  list(): readonly HostedPlugin[];
  /** The plugins of the list that are fetched into the folder. */
  downloads(): readonly PluginDownload[];
  /** Hears that something of these has changed. A listener must not throw. Returns what ends the hearing. */
  subscribe(listener: () => void): () => void;
}
