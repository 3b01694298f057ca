import type { MessageInitShape } from '@bufbuild/protobuf';
import { Outcome, type ReconcileResponseSchema } from '@kplug/protocol';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { ScriptedPlugin } from './scripted-plugin.ts';
/** What is answered to Reconcile. To Finalize only the outcome is. */
export type Answer = Omit<
  Exclude<
    MessageInitShape<typeof ReconcileResponseSchema>,
    {
      $typeName: string;
    }
  >,
  'outcome'
> & {
  /** Default: SUCCESS. */
  outcome?: Outcome;
};
/** How the tool's own plugin is, beyond what it answers. */
export interface V1PluginOptions {
  api: {
    name: string;
    version: string;
  };
  /** Whether it says that it serves Work, which it does anyway. */
  servesWork?: boolean;
  /** Whether GetInfo answers as another instance than the one that registers. */
  isAnother?: boolean;
  /** Whether it serves a health service that says the API isn't served, until `serveApi`. Default: it serves none. */
  isUnserved?: boolean;
}
/** The tool's own plugin, in `kplug.v1`. */
export declare class V1Plugin extends ScriptedPlugin<Answer> {
  #private;
  /** When GetInfo was called. */
  readonly asked: number[];
  /** Names of bases whose calls on a stream of Work aren't answered; the stream is ended instead. */
  readonly breaking: Set<string>;
  /** How many calls on streams of Work were cancelled. */
  cancelled: number;
  private constructor();
  static start(controller: ControllerUnderTest, options: V1PluginOptions): Promise<V1Plugin>;
  /** Whether its health was asked for. */
  get isHealthKnown(): boolean;
  /** Says from now on that the API is served. */
  serveApi(): void;
  register(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
