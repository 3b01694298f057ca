import { pino } from 'pino';
import { type ApiPart, readPart, readParts } from './definition.ts';
import { readSettings, type ServeOptions } from './environment.ts';
import type {
  ApiImplementation,
  ExtensionShapes,
  PluginDefinition,
  ResourceShape,
  SeveralApisDefinition,
} from './plugin.ts';
import { RunningPlugin } from './running-plugin.ts';

/** A plugin that can be served. */
export interface Plugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>
  extends Servable {
  /** What it was defined as. */
  readonly definition: PluginDefinition<B, E>;
}

/** A plugin of several APIs that can be served. */
export interface MultiApiPlugin extends Servable {
  /** What it was defined as. */
  readonly definition: SeveralApisDefinition;
}

interface Servable {
  /**
   * Listens, registers with the controller and keeps the registration alive, for as long as the process lives. Fulfilled when
   * it listens; the controller need not be there yet. Rejects with `CannotServe` or `InvalidDefinition`.
   */
  serve(options?: ServeOptions): Promise<RunningPlugin>;
}

/** Defines a plugin, of one API or of several. Throws `InvalidDefinition`. */
export function definePlugin(definition: SeveralApisDefinition): MultiApiPlugin;
export function definePlugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  definition: PluginDefinition<B, E>,
): Plugin<B, E>;
export function definePlugin(definition: PluginDefinition | SeveralApisDefinition): Servable {
  const parts = 'apis' in definition ? readParts(definition) : [readPart(definition, definition)];
  const plugin = { definition, serve: (options?: ServeOptions) => serve(definition, parts, options) };
  return plugin;
}

/**
 * Says what a plugin of several APIs does for one of them:
 *
 *     definePlugin({ name: 'Foobar', version: '1.0.0', apis: [implementApi({ api: 'Foo@1.0.0', reconcile() {} }), …] })
 */
export function implementApi<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  implementation: ApiImplementation<B, E>,
): ApiImplementation {
  // Inside, resources are whatever the controller sent; only the author's own functions know them by their types.
  return implementation as unknown as ApiImplementation;
}

async function serve(
  definition: Pick<PluginDefinition, 'name' | 'version' | 'close'>,
  parts: readonly ApiPart[],
  options: ServeOptions = {},
): Promise<RunningPlugin> {
  const settings = readSettings(options, process.env);
  const log = pino({ name: definition.name, level: settings.logLevel });
  const plugin = new RunningPlugin(definition, parts, settings, log);
  await plugin.start();
  return plugin;
}
