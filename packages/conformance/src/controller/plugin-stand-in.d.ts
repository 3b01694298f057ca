/** Answers at the address that is registered, for controllers that look whether somebody does. Nobody should call it for work. */
export declare class PluginStandIn {
  #private;
  instanceId: string;
  private constructor();
  static start(): Promise<PluginStandIn>;
  get port(): number;
  close(): void;
}
