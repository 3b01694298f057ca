import { type Logger, pino } from 'pino';
import { type ApiPart, partsOf } from './definition.ts';
import { writeDescription } from './describe-plugin.ts';
import { readSettings, type ServeOptions } from './environment.ts';
import { plainLogLine } from './plain-log-line.ts';
import type {
  ApiImplementation,
  ExtensionShapes,
  MultiApiDefinition,
  PluginDefinition,
  ResourceShape,
} from './plugin.ts';
import { PluginServer } from './plugin-server.ts';
import type { RunningPlugin } from './running-plugin.ts';
import { traceFields } from './tracing.ts';

/** Plugin of one API, or of several that it treats alike. */
export interface Plugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>
  extends Servable {
  /** Definition that was passed to `definePlugin`. */
  readonly definition: PluginDefinition<B, E>;
}

/** Plugin of several APIs, each with functions of its own. */
export interface MultiApiPlugin extends Servable {
  /** Definition that was passed to `definePlugin`. */
  readonly definition: MultiApiDefinition;
}

/** Plugin that can be served. */
export interface Servable {
  /**
   * Listens, registers with the controller and keeps the registration alive until the process stops. Resolves as soon as the plugin
   * listens; the controller may start later. Rejects with a `PluginError` with the code `CannotServe` or `InvalidDefinition`. If
   * `KPLUG_DESCRIBE` has the path of a file, writes the schemas of the plugin there for `kplug crd`, and exits.
   */
  serve(options?: ServeOptions): Promise<RunningPlugin>;
}

/** Defines a plugin of several APIs, each with functions of its own. Throws a `PluginError` with the code `InvalidDefinition`. */
export function definePlugin(definition: MultiApiDefinition): MultiApiPlugin;
/** Defines a plugin of one API, or of several that it treats alike. Throws a `PluginError` with the code `InvalidDefinition`. */
export function definePlugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  definition: PluginDefinition<B, E>,
): Plugin<B, E>;
export function definePlugin(definition: PluginDefinition | MultiApiDefinition): Servable {
  const parts = partsOf(definition);
  const plugin = { definition, serve: (options?: ServeOptions) => serve(definition, parts, options) };
  return plugin;
}

/**
 * Implements one API of a plugin of several APIs:
 *
 *     definePlugin({ name: 'Foobar', version: '1.0.0', apis: [implementApi({ api: 'Foo@1.0.0', reconcile() {} }), …] })
 */
export function implementApi<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  implementation: ApiImplementation<B, E>,
): ApiImplementation {
  // The SDK handles resources untyped; only the functions of the author use these types.
  return implementation as unknown as ApiImplementation;
}

async function serve(
  definition: Pick<PluginDefinition, 'name' | 'version' | 'close'>,
  parts: readonly ApiPart[],
  options: ServeOptions = {},
): Promise<RunningPlugin> {
  const { KPLUG_DESCRIBE: file } = process.env;
  if (file) {
    await writeDescription(file, definition, parts);
    process.exit(0);
  }
  const settings = readSettings(options, process.env);
  const log = makeLogger(definition.name, settings.logLevel);
  const plugin = new PluginServer(definition, parts, settings, log);
  await plugin.start();
  return plugin;
}

/** Makes a logger to standard output: lines for people on a terminal, JSON elsewhere. */
function makeLogger(name: string, level: string): Logger {
  if (!process.stdout.isTTY) return pino({ name, level, mixin: traceFields });
  return pino({ name, level, mixin: traceFields }, { write: (line) => void process.stdout.write(plainLogLine(line)) });
}
