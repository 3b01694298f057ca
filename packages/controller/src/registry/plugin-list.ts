import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ListPluginsResponseSchema } from '@kplug/protocol';
import { PluginName } from '../names.ts';
import type { PageRequest } from '../paging/page-request.ts';
import { SortedPages } from '../paging/sorted-pages.ts';
import { visitAll } from '../queue/slices.ts';
import type { Instance } from './instance.ts';
import { type InstanceMessage, instanceMessage } from './instance-message.ts';
import { sizeOf } from './registration-bounds.ts';
import type { Registry } from './registry.ts';

/** Filter of instances; an empty field matches all. */
export interface PluginFilter {
  api: string;
  plugin: string;
}

/** Lists the known instances in pages, by plugin, version and instance id. */
export class PluginList {
  readonly #pages: SortedPages<Instance>;
  readonly #message: (instance: Instance) => InstanceMessage;

  /** @param message composes the message about an instance. Default: with all details, for the operator's users. */
  constructor(registry: Registry, message: (instance: Instance) => InstanceMessage = instanceMessage) {
    this.#message = message;
    this.#pages = new SortedPages({
      collect: (add) => visitAll(registry.instances(), add),
      positionOf: ({ registration: { plugin, version, instanceId } }) => [plugin, version, instanceId],
      positionLength: 3,
      exists: ({ state }) => state !== 'gone',
      sizeOf: ({ registration, stateReason }) => sizeOf(registration) + stateReason.length,
    });
  }

  /** Returns a page; `undefined` if the token is malformed. */
  async read(
    request: PageRequest & PluginFilter,
  ): Promise<MessageInitShape<typeof ListPluginsResponseSchema> | undefined> {
    const page = await this.#pages.read(request, matcherOf(request));
    return page && { instances: page.items.map((one) => this.#message(one)), nextPageToken: page.nextPageToken };
  }
}

/** Returns a function that reports whether an instance matches a filter. */
export function matcherOf({ api, plugin }: PluginFilter): (instance: Instance) => boolean {
  const name = plugin ? new PluginName(plugin) : undefined;
  return ({ registration }) => {
    if (api && !registration.apis.some((one) => one.name === api)) return false;
    return !name || name.equals(new PluginName(registration.plugin));
  };
}
