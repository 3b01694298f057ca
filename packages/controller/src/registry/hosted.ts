/**
 * State of a plugin of the plugins folder.
 *
 * - `starting`: its process was started and has not registered yet.
 * - `live`: its process is registered.
 * - `draining`: it was removed, and its process is finishing its in-flight calls.
 * - `back-off`: its process exited and will be restarted soon.
 * - `failing`: its process exited several times in a row, or can't be started.
 * - `ended`: its process exited, and its restart policy doesn't restart it.
 */
export type HostedState = 'starting' | 'live' | 'draining' | 'back-off' | 'failing' | 'ended';

/** Plugin of the plugins folder, with its state. */
export interface HostedPlugin {
  /** Name of its file or folder. */
  readonly name: string;
  readonly state: HostedState;
  /** Explanation of the state, for people; empty without a problem. */
  readonly message: string;
  /** The same without the output of the process, for readers who may not see that. */
  readonly summary: string;
  /** Name under which it last registered. */
  readonly plugin: string | undefined;
  /** Version with which it last registered. */
  readonly version: string | undefined;
  /** Instance id of the newest process. */
  readonly instanceId: string | undefined;
  readonly pid: number | undefined;
  /** Number of consecutive exits without a long time of being live in between. */
  readonly failures: number;
  /** Number of restarts after exits. */
  readonly restarts: number;
  /** Exit code or signal of the last process that exited. */
  readonly lastExit: string | undefined;
  /** Last lines that this process wrote to standard error. */
  readonly lastLines: readonly string[];
  /** Time of the last change of state, in milliseconds since the epoch. */
  readonly since: number;
  /** Time of the next restart in milliseconds since the epoch, if one is due. */
  readonly nextStartAt: number | undefined;
}

/** Line that a process of a hosted plugin wrote. */
export interface HostedOutputLine {
  /** Number of the line among those of all plugins of the folder, from 1. */
  readonly number: number;
  /** Time at which it was read, in milliseconds since the epoch. */
  readonly at: number;
  readonly pid: number;
  readonly stream: 'stdout' | 'stderr';
  /** Text as the process wrote it, up to the maximum length of a line. */
  readonly text: string;
}

/** Last lines that the processes of a hosted plugin wrote. */
export interface HostedOutput {
  /** Returns the lines after a number, oldest first. */
  after(number: number): readonly HostedOutputLine[];
  /** Number of the last line that is no longer kept; 0 if all are. */
  readonly droppedUpTo: number;
}

/**
 * State of a download.
 *
 * - `waiting`: it is queued.
 * - `downloading`: it is being downloaded.
 * - `unpacking`: it is being verified and unpacked.
 * - `ready`: it is in the folder.
 * - `failed`: it failed, and will be retried.
 */
export type DownloadState = 'waiting' | 'downloading' | 'unpacking' | 'ready' | 'failed';

/** Plugin of the list, with the state of its download. */
export interface PluginDownload {
  /** Entry of the list. */
  readonly item: string;
  readonly state: DownloadState;
  /** Error message, for people; empty without an error. */
  readonly message: string;
  /** Number of bytes received. */
  readonly received: number;
  /** Total number of bytes, once known. */
  readonly total: number | undefined;
  /** Time of the last change of state, in milliseconds since the epoch. */
  readonly since: number;
  /** Time of the next attempt in milliseconds since the epoch, if it failed. */
  readonly nextTryAt: number | undefined;
}

/** Folder whose files a controller runs as plugins. */
export interface HostedFolder {
  /** Path of the folder. */
  readonly directory: string;
  /** Plugins of the folder, by name. */
  list(): readonly HostedPlugin[];
  /** Returns the output of a plugin of the folder, by the name of its file; `undefined` if none was ever run. */
  output(name: string): HostedOutput | undefined;
  /** Plugins of the list that are downloaded into the folder. */
  downloads(): readonly PluginDownload[];
  /** Calls `listener`, which must not throw, after any change. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}
