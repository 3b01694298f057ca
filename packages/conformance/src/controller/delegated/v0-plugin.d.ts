import type { MessageInitShape } from '@bufbuild/protobuf';
import { v0 } from '@kplug/protocol';
import { ScriptedPlugin } from './scripted-plugin.ts';
/** What is returned by `create` and `update`: the changes of statuses as YAML. */
export interface Returned {
  base?: string;
  references?: Record<string, string>;
}
type Information = Exclude<
  MessageInitShape<typeof v0.PluginInformationSchema>,
  {
    $typeName: string;
  }
>;
/** The tool's own plugin, in the first Kplug's protocol. */
export declare class V0Plugin extends ScriptedPlugin<Returned> {
  #private;
  /** What it was asked for beyond that protocol. */
  readonly others: string[];
  private constructor();
  /** @param controller the address of its heartbeat port. */
  static start(
    controller: string,
    api: {
      name: string;
      version: string;
    },
  ): Promise<V0Plugin>;
  /** What it says of itself in a heartbeat. */
  get information(): Information;
  /** Beats once. Rejects with the gRPC error. */
  beat(otherwise?: Information): Promise<v0.PluginHeartbeatResponse>;
  register(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
