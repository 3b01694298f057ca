import type { Manifest, Resource } from '@kplug/controller';
import { deriveBase } from '../../../../controller/src/tools/derive-delegation.ts';
import { NotMet, NotTried } from '../../requirement.ts';
import { until } from '../../until.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { isUndoing, type Script, type ScriptedPlugin, type SeenCall } from './scripted-plugin.ts';
import { TrialFolder } from './trial-folder.ts';
import { V0Plugin } from './v0-plugin.ts';
import { V1Plugin, type V1PluginOptions } from './v1-plugin.ts';

/** How long is waited for a call, in milliseconds: longer than controllers wait before they try again. */
const callTime = 20_000;

/** How long is waited for the call that undoes, in milliseconds. */
const undoTime = 5_000;

/** What a controller delegates, so that it can be seen what becomes of it. */
export interface DelegatedOptions {
  /** The plugin API that is asked for. */
  api: { name: string; version: string };
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

/** A plugin of the tool's own, whatever it speaks. */
interface Playing extends AsyncDisposable {
  register(): Promise<void>;
}

/** Resources that are delegated to plugins of the tool's own, one plugin after the other. */
export class DelegatedTrial implements AsyncDisposable {
  readonly extensions: readonly Manifest[];
  readonly #controller: ControllerUnderTest;
  readonly #folder: TrialFolder;
  readonly #api: DelegatedOptions['api'];
  readonly #base: Manifest;
  #playing: { kind: string; plugin: Playing } | undefined;
  #silence: string | undefined;
  #undoes = true;
  #changes = 0;

  private constructor(
    controller: ControllerUnderTest,
    folder: TrialFolder,
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

  /** Rejects with a `CommandError` when there is no such directory, or the base isn't clear. */
  static async open(controller: ControllerUnderTest, options: DelegatedOptions): Promise<DelegatedTrial> {
    const folder = await TrialFolder.open(options.folder);
    const trial = new DelegatedTrial(controller, folder, options);
    for (const extension of trial.extensions) await folder.apply(extension);
    return trial;
  }

  /** The tool's own plugin, in place of another that was there before. @param kind tells one from another. */
  async today(kind: string, options: Omit<V1PluginOptions, 'api'> = {}): Promise<V1Plugin> {
    const { plugin } = this.#playing?.kind === kind ? this.#playing : {};
    if (plugin instanceof V1Plugin) return plugin;
    return this.#play(kind, await V1Plugin.start(this.#controller, { api: this.#api, ...options }));
  }

  /** The tool's own plugin in the first Kplug's protocol, in place of another that was there before. */
  async v0(): Promise<V0Plugin> {
    const plugin = this.#playing?.plugin;
    if (plugin instanceof V0Plugin) return plugin;
    return this.#play('first Kplug', await V0Plugin.start(this.#controller.address, this.#api));
  }

  /** The name of the base that ends with a mark. */
  nameOf(mark: string): string {
    return `${this.#base.metadata.name}-${mark}`;
  }

  /** Hands a base to the controller, and follows a script for it. @param mark ends its name. */
  async hand<Answer>(
    plugin: ScriptedPlugin<Answer>,
    mark: string,
    script: Script<Answer>,
    alter: (base: Manifest) => Manifest = (base) => base,
  ): Promise<Handed> {
    if (this.#silence !== undefined) throw new NotTried(this.#silence);
    const { metadata, ...rest } = this.#base;
    const manifest = alter({ ...rest, metadata: { ...metadata, name: this.nameOf(mark) } });
    const { name } = manifest.metadata;
    plugin.follow(name, script);
    await this.#folder.apply(manifest);
    const made = (undoing: boolean) => plugin.callsFor(name).filter(({ method }) => isUndoing(method) === undoing);
    const undone = async (index: number) => {
      await this.#folder.remove(manifest);
      return until(() => made(true)[index], undoTime);
    };
    return {
      name,
      calls: () => plugin.callsFor(name),
      call: (index, expected) => this.#await(() => made(false)[index], index, name, expected),
      change: async () => {
        const spec = { ...manifest.spec, conformance: ++this.#changes };
        await this.#folder.apply({ ...manifest, spec });
      },
      undone,
      [Symbol.asyncDispose]: async () => {
        // What nobody made needs no undoing, and where nothing is undone there is nothing to wait for.
        if (made(false).length === 0 || made(true).length > 0 || !this.#undoes) await this.#folder.remove(manifest);
        else this.#undoes = (await undone(0)) !== undefined;
      },
    };
  }

  /** Puts another extension beside those that are given, and returns it. */
  async bystander(mark: string): Promise<Manifest> {
    const [first] = this.extensions;
    if (!first) throw new NotTried('no extension was given, with --resource');
    const bystander = { ...first, metadata: { ...first.metadata, name: `${first.metadata.name}-${mark}` } };
    await this.#folder.apply(bystander);
    return bystander;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder.clear();
    await this.#playing?.plugin[Symbol.asyncDispose]();
  }

  async #play<P extends Playing>(kind: string, plugin: P): Promise<P> {
    await this.#playing?.plugin[Symbol.asyncDispose]();
    this.#playing = { kind, plugin };
    await plugin.register();
    return plugin;
  }

  async #await(
    look: () => SeenCall | undefined,
    index: number,
    name: string,
    expected: string | undefined,
  ): Promise<SeenCall> {
    const found = await until(look, callTime);
    if (found) return found;
    const { kind } = this.#base;
    const time = `${callTime / 1_000} s`;
    if (index > 0 && expected !== undefined)
      throw new NotMet(`no further call for ${kind} ${name} in ${time}`, expected);
    if (index > 0) throw new NotTried(`no further call came for ${kind} ${name} in ${time}`);
    const { name: api, version } = this.#api;
    const advice = `let ${kind} be delegated to ${api} with a range that ${version} is in, and no other plugin have it`;
    this.#silence = `no call came for ${kind} ${name} in ${time}; ${advice}`;
    throw new NotTried(this.#silence);
  }
}

/** The fields of a status, of a base or of an extension. */
export function statusOf({ status }: Resource | Manifest): Record<string, unknown> {
  return (status ?? {}) as Record<string, unknown>;
}
