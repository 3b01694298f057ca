import type { HostedFolder, HostedOutput, HostedPlugin, PluginDownload } from '../registry/hosted.ts';
import { FolderAccess } from './folder-access.ts';
import { HostedPlugins, type SupervisorDependencies } from './hosted-plugins.ts';
import { type FolderSettings, readFolderOptions } from './options.ts';
import { type GivenProgram, type ProgramSource, programOf } from './program-source.ts';

/** Runs the programs that a source gives as plugins. */
export class GivenPrograms implements HostedFolder {
  readonly #source: ProgramSource;
  readonly #settings: FolderSettings;
  readonly #hosted: HostedPlugins;

  /** Throws `InvalidConfiguration`. */
  constructor(source: ProgramSource, dependencies: SupervisorDependencies) {
    this.#source = source;
    this.#settings = readFolderOptions(source);
    const { directory, inheritedEnvironment, stopTimeout } = this.#settings;
    // The source decides what is run.
    const access = new FolderAccess(directory, true);
    this.#hosted = new HostedPlugins({ access, inheritedEnvironment, stopTimeout }, dependencies);
  }

  get directory(): string {
    return this.#settings.directory;
  }

  get guard(): number | undefined {
    return this.#hosted.guard;
  }

  list(): HostedPlugin[] {
    return this.#hosted.list().sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  output(name: string): HostedOutput | undefined {
    return this.#hosted.output(name);
  }

  downloads(): readonly PluginDownload[] {
    return [];
  }

  subscribe(listener: () => void): () => void {
    return this.#hosted.subscribe(listener);
  }

  /** Starts the source. */
  async start(heartbeatAddress: string): Promise<void> {
    const { runSettings } = this.#settings;
    this.#hosted.start(heartbeatAddress);
    await this.#source.start({
      use: (given: GivenProgram) => this.#hosted.use(programOf(given, runSettings)),
      reject: (name, fault) => this.#hosted.reject(name, fault),
      remove: (name) => this.#hosted.remove(name, 'its source was removed'),
    });
  }

  hold(): void {
    this.#hosted.hold();
  }

  /** Stops the source and all plugins. Fulfilled when their processes have exited or could not be killed in time. */
  async stop(): Promise<void> {
    this.hold();
    await this.#source.stop?.();
    await this.#hosted.stop();
  }
}
