/** Plugin that is being served. */
export interface RunningPlugin {
  /** Address that the plugin registers, with its actual port. */
  readonly address: string;

  /** Id of this process, different from that of any other. */
  readonly instanceId: string;

  /** Reports whether the plugin is registered with a controller now. */
  readonly registered: boolean;

  /**
   * Sets whether an API can be served now, for example while a backend that it needs is unreachable. An API that isn't served gets no
   * calls; other APIs of the plugin do. Throws `InvalidDefinition` if the plugin doesn't implement the API.
   */
  setServing(api: string, serving: boolean): void;

  /**
   * Stops gracefully: deregisters from the controller, waits for in-flight calls, and stops listening. Calls that take longer than the drain
   * timeout are cancelled. Further calls of this method wait for the same stop.
   */
  stop(): Promise<void>;
}
