import type { Manifest, Resource } from '@kplug/controller';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { type Script, type ScriptedPlugin, type SeenCall } from './scripted-plugin.ts';
import { V0Plugin } from './v0-plugin.ts';
import { V1Plugin, type V1PluginOptions } from './v1-plugin.ts';
/** What a controller delegates, so that it can be seen what becomes of it. */
export interface DelegatedOptions {
  /** The plugin API that is asked for. */
  api: {
    name: string;
    version: string;
  };
  /** A base and its extensions. */
  manifests: readonly Manifest[];
  /** The base's kind, where it isn't clear. */
  kind?: string | undefined;
  /** The directory that the operator runs on. */
  folder: string;
}
/** A base that was handed to the controller. It is taken away at the end of its scope. */
export interface Handed extends AsyncDisposable {
  readonly name: string;
  /**
   * Waits for the call of an index, not counting those that undo.
   *
   * @param expected what a call that doesn't come is not met of. Default: it couldn't be tried.
   */
  call(index: number, expected?: string): Promise<SeenCall>;
  /** All calls for it. */
  calls(): SeenCall[];
  /** Changes its spec, so that it is called for again. */
  change(): Promise<void>;
  /** Takes it away, and waits for the call of an index that undoes. */
  undone(index: number): Promise<SeenCall | undefined>;
}
/** Resources that are delegated to plugins of the tool's own, one plugin after the other. */
export declare class DelegatedTrial implements AsyncDisposable {
  #private;
  readonly extensions: readonly Manifest[];
  private constructor();
  /** Rejects with a `CommandError` when there is no such directory, or the base isn't clear. */
  static open(controller: ControllerUnderTest, options: DelegatedOptions): Promise<DelegatedTrial>;
  /** The tool's own plugin, in place of another that was there before. @param kind tells one from another. */
  today(kind: string, options?: Omit<V1PluginOptions, 'api'>): Promise<V1Plugin>;
  /** The tool's own plugin in the first Kplug's protocol, in place of another that was there before. */
  v0(): Promise<V0Plugin>;
  /** The name of the base that ends with a mark. */
  nameOf(mark: string): string;
  /** Hands a base to the controller, and follows a script for it. @param mark ends its name. */
  hand<Answer>(
    plugin: ScriptedPlugin<Answer>,
    mark: string,
    script: Script<Answer>,
    alter?: (base: Manifest) => Manifest,
  ): Promise<Handed>;
  /** Puts another extension beside those that are given, and returns it. */
  bystander(mark: string): Promise<Manifest>;
  [Symbol.asyncDispose](): Promise<void>;
}
/** The fields of a status, of a base or of an extension. */
export declare function statusOf({ status }: Resource | Manifest): Record<string, unknown>;
