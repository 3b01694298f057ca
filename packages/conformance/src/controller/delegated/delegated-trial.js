import { deriveBase } from '../../../../controller/src/tools/derive-delegation.js';
import { NotMet, NotTried } from '../../requirement.js';
import { until } from '../../until.js';
import { isUndoing } from './scripted-plugin.js';
import { TrialFolder } from './trial-folder.js';
import { V0Plugin } from './v0-plugin.js';
import { V1Plugin } from './v1-plugin.js';

/** How long is waited for a call, in milliseconds: longer than controllers wait before they try again. */
const callTime = 20_000;
/** How long is waited for the call that undoes, in milliseconds. */
const undoTime = 5_000;
/** Resources that are delegated to plugins of the tool's own, one plugin after the other. */
export class DelegatedTrial {
  extensions;
  #controller;
  #folder;
  #api;
  #base;
  #playing;
  #silence;
  #undoes = true;
  #changes = 0;
  constructor(controller, folder, { api, manifests, kind }) {
    this.#controller = controller;
    this.#folder = folder;
    this.#api = api;
    const base = deriveBase(manifests, { plugin: 'Conformance', apis: [{ name: api.name, extensionKinds: [] }] }, kind);
    const isBase = (one) => one.kind === base.kind && one.apiVersion === base.apiVersion;
    this.#base = manifests.find(isBase) ?? { ...base, metadata: { name: 'conformance' } };
    this.extensions = manifests.filter((one) => !isBase(one));
  }
  /** Rejects with a `CommandError` when there is no such directory, or the base isn't clear. */
  static async open(controller, options) {
    const folder = await TrialFolder.open(options.folder);
    const trial = new DelegatedTrial(controller, folder, options);
    for (const extension of trial.extensions) await folder.apply(extension);
    return trial;
  }
  /** The tool's own plugin, in place of another that was there before. @param kind tells one from another. */
  async today(kind, options = {}) {
    const { plugin } = this.#playing?.kind === kind ? this.#playing : {};
    if (plugin instanceof V1Plugin) return plugin;
    return this.#play(kind, await V1Plugin.start(this.#controller, { api: this.#api, ...options }));
  }
  /** The tool's own plugin in the first Kplug's protocol, in place of another that was there before. */
  async v0() {
    const plugin = this.#playing?.plugin;
    if (plugin instanceof V0Plugin) return plugin;
    return this.#play('first Kplug', await V0Plugin.start(this.#controller.address, this.#api));
  }
  /** The name of the base that ends with a mark. */
  nameOf(mark) {
    return `${this.#base.metadata.name}-${mark}`;
  }
  /** Hands a base to the controller, and follows a script for it. @param mark ends its name. */
  async hand(plugin, mark, script, alter = (base) => base) {
    if (this.#silence !== undefined) throw new NotTried(this.#silence);
    const { metadata, ...rest } = this.#base;
    const manifest = alter({ ...rest, metadata: { ...metadata, name: this.nameOf(mark) } });
    const { name } = manifest.metadata;
    plugin.follow(name, script);
    await this.#folder.apply(manifest);
    const made = (undoing) => plugin.callsFor(name).filter(({ method }) => isUndoing(method) === undoing);
    const undone = async (index) => {
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
  async bystander(mark) {
    const [first] = this.extensions;
    if (!first) throw new NotTried('no extension was given, with --resource');
    const bystander = { ...first, metadata: { ...first.metadata, name: `${first.metadata.name}-${mark}` } };
    await this.#folder.apply(bystander);
    return bystander;
  }
  async [Symbol.asyncDispose]() {
    await this.#folder.clear();
    await this.#playing?.plugin[Symbol.asyncDispose]();
  }
  async #play(kind, plugin) {
    await this.#playing?.plugin[Symbol.asyncDispose]();
    this.#playing = { kind, plugin };
    await plugin.register();
    return plugin;
  }
  async #await(look, index, name, expected) {
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
export function statusOf({ status }) {
  return status ?? {};
}
//# sourceMappingURL=delegated-trial.js.map
