import { pino } from 'pino';
import { readApis } from './definition.ts';
import { readSettings, type ServeOptions } from './environment.ts';
import type { ExtensionShapes, PluginDefinition, ResourceShape } from './plugin.ts';
import { RunningPlugin } from './running-plugin.ts';

/** A plugin that can be served. */
export interface Plugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes> {
  /** What it was defined as. */
  readonly definition: PluginDefinition<B, E>;
  /**
   * Listens, registers with the controller and keeps the registration alive, for as long as the process lives. Fulfilled when
   * it listens; the controller need not be there yet. Rejects with `CannotServe` or `InvalidDefinition`.
   */
  serve(options?: ServeOptions): Promise<RunningPlugin>;
}

/** Defines a plugin. Throws `InvalidDefinition`. */
export function definePlugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  definition: PluginDefinition<B, E>,
): Plugin<B, E> {
  const apis = readApis(definition);
  return {
    definition,
    serve: async (options = {}) => {
      const settings = readSettings(options, process.env);
      const log = pino({ name: definition.name, level: settings.logLevel });
      // Inside, resources are whatever the controller sent; only the author's own functions know them by their types.
      const untyped = definition as unknown as PluginDefinition;
      const plugin = new RunningPlugin(untyped, apis, settings, log);
      await plugin.start();
      return plugin;
    },
  };
}
