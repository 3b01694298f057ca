import type { Resource } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import { deriveBase } from '@kplug/controller/tools';
import { eventually } from '../../eventually.ts';
import type { DelegatedOptions } from '../../options.ts';
import { NotMet, NotTried } from '../../requirement.ts';
import type { ControllerClient } from '../controller-client.ts';
import { ManifestFolder } from './manifest-folder.ts';
import { isFinalizing, type ReceivedCall, type Script, type ScriptedPlugin } from './scripted-plugin.ts';
import { V0Plugin } from './v0-plugin.ts';
import { V1Plugin, type V1PluginOptions } from './v1-plugin.ts';

/** A base that the controller delegates. It is deleted at the end of its scope. */
export interface DelegatedBase extends AsyncDisposable {
  readonly name: string;
  /**
   * Waits for a call, counted from 0 and without those that finalize.
   *
   * @param expected behaviour that a missing call violates. Default: a missing call means that the requirement is not tried.
   */
  call(index: number, expected?: string): Promise<ReceivedCall>;
  /** Returns all calls for the base. */
  calls(): ReceivedCall[];
  /** Changes the spec, which causes another call. */
  change(): Promise<void>;
  /** Replaces the base by a changed one, as in `delegate`. */
  replace(alter: (base: Manifest) => Manifest): Promise<void>;
  /** Deletes the base and waits for a call that finalizes it, counted from 0. */
  delete(index: number): Promise<ReceivedCall | undefined>;
}

/** A plugin of the suite, of either protocol. */
interface SuitePlugin extends AsyncDisposable {
  register(): Promise<void>;
}

/** Resources that the controller delegates to the plugins of the suite. One plugin runs at a time. */
export class DelegatedResources implements AsyncDisposable {
  readonly extensions: readonly Manifest[];
  readonly #controller: ControllerClient;
  readonly #folder: ManifestFolder;
  readonly #api: DelegatedOptions['api'];
  readonly #base: Manifest;
  #running: { kind: string; plugin: SuitePlugin } | undefined;
  /** Reason why no call can be expected, once that is known. */
  #undelegated: string | undefined;
  #finalizes = true;
  #changes = 0;

  private constructor(
    controller: ControllerClient,
    folder: ManifestFolder,
    { api, manifests, kind }: DelegatedOptions,
  ) {
    this.#controller = controller;
    this.#folder = folder;
    this.#api = api;
    const base = deriveBase(manifests, { plugin: 'Conformance', apis: [{ name: api.name, extensionKinds: [] }] }, kind);
    const isBase = (one: Manifest) => one.kind === base.kind && one.apiVersion === base.apiVersion;
    this.#base = manifests.find(isBase) ?? { ...base, metadata: { name: 'conformance' } };
    this.extensions = manifests.filter((one) => !isBase(one));
  }

  /** Rejects with a `ConformanceError` when the directory does not exist, and with a `KplugError` when the base is ambiguous. */
  static async open(controller: ControllerClient, options: DelegatedOptions): Promise<DelegatedResources> {
    const folder = await ManifestFolder.open(options.folder);
    const resources = new DelegatedResources(controller, folder, options);
    for (const extension of resources.extensions) await folder.apply(extension);
    return resources;
  }

  /** Returns the running plugin of a kind, or starts it and stops the one before. @param kind identifies the options. */
  async v1(kind: string, options: Omit<V1PluginOptions, 'api'> = {}): Promise<V1Plugin> {
    const { plugin } = this.#running?.kind === kind ? this.#running : {};
    if (plugin instanceof V1Plugin) return plugin;
    return this.#start(kind, await V1Plugin.start(this.#controller, { api: this.#api, ...options }));
  }

  /** Returns the plugin of the first Kplug's protocol, or starts it and stops the one before. */
  async v0(): Promise<V0Plugin> {
    const plugin = this.#running?.plugin;
    if (plugin instanceof V0Plugin) return plugin;
    return this.#start('v0', await V0Plugin.start(this.#controller.address, this.#api));
  }

  /** Returns the name of the base with a suffix. */
  nameOf(suffix: string): string {
    return `${this.#base.metadata.name}-${suffix}`;
  }

  /** Applies a base, for which the plugin answers by a script. @param suffix of its name. */
  async delegate<Answer>(
    plugin: ScriptedPlugin<Answer>,
    suffix: string,
    script: Script<Answer>,
    alter: (base: Manifest) => Manifest = (base) => base,
  ): Promise<DelegatedBase> {
    if (this.#undelegated !== undefined) throw new NotTried(this.#undelegated);
    const { metadata, ...rest } = this.#base;
    const original = { ...rest, metadata: { ...metadata, name: this.nameOf(suffix) } };
    const manifest = alter(original);
    const { name } = manifest.metadata;
    plugin.follow(name, script);
    await this.#folder.apply(manifest);
    const received = (finalizing: boolean) =>
      plugin.callsFor(name).filter(({ method }) => isFinalizing(method) === finalizing);
    const deleteBase = async (index: number) => {
      await this.#folder.remove(manifest);
      return eventually(() => received(true)[index], this.#controller.times.finalize);
    };
    return {
      name,
      calls: () => plugin.callsFor(name),
      call: (index, expected) => this.#waitForCall(() => received(false)[index], index, name, expected),
      change: async () => {
        const spec = { ...manifest.spec, conformance: ++this.#changes };
        await this.#folder.apply({ ...manifest, spec });
      },
      replace: (change) => this.#folder.apply(change(original)),
      delete: deleteBase,
      [Symbol.asyncDispose]: async () => {
        // A base that was never reconciled is not finalized, and a controller that does not finalize is not waited for again.
        const isOver = received(false).length === 0 || received(true).length > 0 || !this.#finalizes;
        if (isOver) await this.#folder.remove(manifest);
        else this.#finalizes = (await deleteBase(0)) !== undefined;
      },
    };
  }

  /** Applies an extension that no base references, and returns it. @param suffix of its name. */
  async applyUnreferenced(suffix: string): Promise<Manifest> {
    const [first] = this.extensions;
    if (!first) throw new NotTried('no extension was given with --resource');
    const unreferenced = { ...first, metadata: { ...first.metadata, name: `${first.metadata.name}-${suffix}` } };
    await this.#folder.apply(unreferenced);
    return unreferenced;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder.clear();
    await this.#running?.plugin[Symbol.asyncDispose]();
  }

  async #start<P extends SuitePlugin>(kind: string, plugin: P): Promise<P> {
    await this.#running?.plugin[Symbol.asyncDispose]();
    this.#running = { kind, plugin };
    await plugin.register();
    return plugin;
  }

  async #waitForCall(
    find: () => ReceivedCall | undefined,
    index: number,
    name: string,
    expected: string | undefined,
  ): Promise<ReceivedCall> {
    const { call: timeout } = this.#controller.times;
    const found = await eventually(find, timeout);
    if (found) return found;
    const { kind } = this.#base;
    const seconds = `${timeout / 1_000} s`;
    if (index > 0 && expected !== undefined)
      throw new NotMet(`no further call for ${kind} ${name} in ${seconds}`, expected);
    if (index > 0) throw new NotTried(`no further call for ${kind} ${name} in ${seconds}`);
    const { name: api, version } = this.#api;
    const advice = `delegate ${kind} to ${api} with a version range that includes ${version}, and stop other plugins of it`;
    this.#undelegated = `no call for ${kind} ${name} in ${seconds}; ${advice}`;
    throw new NotTried(this.#undelegated);
  }
}

/** Returns the fields of the status of a resource. */
export function statusOf({ status }: Resource | Manifest): Record<string, unknown> {
  return (status ?? {}) as Record<string, unknown>;
}
