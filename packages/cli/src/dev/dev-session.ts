import { basename, dirname, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KplugError } from '@kplug/controller';
import { DirectoryWatch } from '@kplug/controller/tools';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable } from '../output/table.ts';
import { openBrowser } from '../ui/open-browser.ts';
import { DevOperator, type OperatorLogLine } from './dev-operator.ts';
import type { DevLine, DevOutput } from './dev-output.ts';
import { Preparation } from './prepare.ts';
import {
  configurationFileOf,
  type DevConfiguration,
  type DevPlace,
  readDevConfiguration,
} from './read-dev-configuration.ts';
import { StatusFeed } from './status-feed.ts';
import type { Target } from './target.ts';
import { TargetRunner } from './target-runner.ts';

/** Longest time for which the start waits for the watches, in milliseconds. They go on to be set up afterwards. */
const maxWatchTime = 3_000;
/** Time that the configuration file must stay unchanged before it is read, in milliseconds. */
const settleTime = 100;

/** Number of characters by which the reason of an error is recognized in a message. */
const comparedLength = 40;

/** Options of a session. */
export interface DevSessionOptions {
  targets: readonly Target[];
  /** True if the plugins are found again by their paths after each change. */
  areFound: boolean;
  /** Folder of the project, with its configuration and manifests, absolute. */
  project: string;
  place: DevPlace;
  output: DevOutput;
}

/** One run of `kplug dev`: an operator, the plugins from their sources, and what follows their changes. */
export class DevSession implements AsyncDisposable {
  readonly #options: DevSessionOptions;
  readonly #output: DevOutput;
  readonly #preparation = new Preparation();
  readonly #stopping = Promise.withResolvers<void>();
  #stopWatching: () => Promise<void> = async () => undefined;
  readonly #runners = new Map<string, TargetRunner>();
  #operator: DevOperator | undefined;
  #feed: StatusFeed | undefined;
  #changes = 0;
  #onConfiguration: () => void = () => undefined;
  #isStopped = false;

  constructor(options: DevSessionOptions) {
    this.#options = options;
    this.#output = options.output;
  }

  /** Runs until it is stopped. Rejects with the reason why it can't start. */
  async run(): Promise<void> {
    const { place, project } = this.#options;
    const file = await configurationFileOf(place, project);
    // Before it is read, so that no change is missed.
    await this.#watchConfiguration(file);
    let seen = this.#changes;
    const first = await this.#readFirst();
    await this.#watchSources(file, first);
    if (first) await this.#start(first);
    while (!this.#isStopped) {
      await Promise.race([this.#stopping.promise, this.#changed(seen)]);
      seen = this.#changes;
      if (!this.#isStopped) await this.#reload();
    }
  }

  /** Stops: ends `run`. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const count = this.#runners.size === 1 ? 'the plugin' : 'the plugins';
    this.#say(`stopping ${count} and the operator; Ctrl-C again quits at once`, 'faint');
    this.#stopping.resolve();
  }

  /** Reconciles all resources now. */
  reconcileAll(): void {
    if (!this.#operator) {
      this.#say('the operator does not run', 'warning');
      return;
    }
    this.#feed?.renew();
    this.#operator.controller.reconcileAll();
    this.#say('reconciling all resources', 'faint');
  }

  /** Prints the statuses of all resources. */
  printStatuses(): void {
    const resources = this.#feed?.list() ?? [];
    if (resources.length === 0) {
      this.#say('there are no resources', 'plain');
      return;
    }
    const { colors } = this.#output;
    for (const [kind, found] of Map.groupBy(resources, (resource) => resource.kind)) {
      const allNamespaces = found.some(({ metadata }) => (metadata.namespace ?? 'default') !== 'default');
      const table = resourceTable(found, { wide: false, allNamespaces, held: new Set(), colors, now: Date.now() });
      this.#output.print(`\n${colors.bold(kind)}\n${formatTable(table, colors)}\n`);
    }
  }

  /** Opens the page of the operator in the browser. */
  async openPage(): Promise<void> {
    const url = this.#operator?.controller.pageUrl;
    if (url) await openBrowser(url, (text) => this.#say(text, 'plain'));
    else this.#say(this.#operator ? 'the operator has no page' : 'the operator does not run', 'warning');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopOperator();
    for (const runner of this.#runners.values()) await runner.stop();
    try {
      await this.#stopWatching();
    } finally {
      await this.#preparation[Symbol.asyncDispose]();
    }
  }

  /** Reads the configuration. Returns `undefined` for one with a fault, which is mended while this runs. */
  async #readFirst(): Promise<DevConfiguration | undefined> {
    try {
      return await this.#read();
    } catch (error) {
      if (!isFault(error)) throw error;
      this.#sayFault(error);
      return undefined;
    }
  }

  #read(): Promise<DevConfiguration> {
    return readDevConfiguration(this.#options.place, this.#options.project);
  }

  async #watchSources(file: string, configuration: DevConfiguration | undefined): Promise<void> {
    const { targets, areFound: isFound } = this.#options;
    const { manifests, stateDir } = configuration?.configured ?? {};
    const excluded = [file, ...[manifests, stateDir].flatMap((path) => (path === undefined ? [] : resolve(path)))];
    for (const target of targets) {
      const show = (line: DevLine) => this.#output.line(line);
      const onNewCode = () => this.#feed?.renew();
      const options = { target, isFound, preparation: this.#preparation, excluded, show, onNewCode };
      this.#runners.set(target.name, new TargetRunner(options));
    }
    const watching = Promise.all([...this.#runners.values()].map((runner) => runner.watch()));
    const isLate = await Promise.race([watching.then(() => false), delay(maxWatchTime, true, { ref: false })]);
    if (!isLate) return;
    this.#say(
      'watching the sources takes long, as there are many files; changes are noticed once it is done',
      'warning',
    );
    void watching.then(() => this.#say('changes of the sources are noticed now', 'faint'));
  }

  async #watchConfiguration(file: string): Promise<void> {
    const onTouch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#changes++;
        this.#onConfiguration();
      }, settleTime);
    };
    let timer: NodeJS.Timeout | undefined;
    const folder = dirname(file);
    const name = file.slice(folder.length + 1);
    const watch = new DirectoryWatch(folder, (path) => path === name && onTouch(), {
      depth: 0,
      includes: (path) => path === name,
    });
    await watch.start();
    this.#stopWatching = async () => {
      clearTimeout(timer);
      await watch.close();
    };
  }

  async #changed(seen: number): Promise<void> {
    if (this.#changes > seen) return;
    await new Promise<void>((resolve) => {
      this.#onConfiguration = resolve;
    });
  }

  /** Starts the operator again with the changed configuration. With a fault in it, the former one goes on. */
  async #reload(): Promise<void> {
    try {
      const configuration = await this.#read();
      this.#say(`${basename(configuration.file)} changed; starting the operator again`, 'faint');
      await this.#stopOperator();
      await this.#start(configuration);
    } catch (error) {
      this.#sayFault(error);
    }
  }

  async #start({ configured }: DevConfiguration): Promise<void> {
    const operator = await DevOperator.make({
      configured,
      directory: this.#options.project,
      onLog: (line) => this.#onLog(line),
      onCall: (call) => this.#feed?.called(call),
      onHost: async (host) => {
        for (const runner of this.#runners.values()) void runner.start(host);
      },
    });
    const { controller } = operator;
    this.#operator = operator;
    try {
      const hosted = controller.pluginsFolder;
      hosted?.subscribe(() => {
        for (const status of hosted.list()) this.#runners.get(status.name)?.update(status);
      });
      const feed = new StatusFeed(controller.resources, (line) => this.#output.line(line));
      this.#feed = feed;
      await operator.start();
      await feed.start(configured.delegations.map(({ base }) => base));
      this.#banner(configured.manifests, this.#options.place.context);
    } catch (error) {
      await this.#stopOperator();
      throw error;
    }
  }

  async #stopOperator(): Promise<void> {
    const operator = this.#operator;
    this.#operator = undefined;
    this.#feed?.stop();
    for (const runner of this.#runners.values()) runner.detach();
    await operator?.stop();
  }

  #banner(manifests: string | undefined, context: string | undefined): void {
    const place =
      manifests === undefined
        ? `the cluster of ${context ?? 'the current context'}`
        : relative(process.cwd(), manifests) || 'this directory';
    const resources = this.#feed?.list().length ?? 0;
    const count = resources === 1 ? '1 resource' : `${resources} resources`;
    this.#say(`the operator runs on ${place} with ${count}`, 'plain');
  }

  #onLog({ level, msg = '', resource, hosted, hostedPid, err }: OperatorLogLine): void {
    if (hosted !== undefined) {
      const output = hostedPid === undefined ? undefined : this.#operator?.controller.pluginsFolder?.output(hosted);
      if (output) this.#runners.get(hosted)?.read(output);
      return;
    }
    if (level < 40) return;
    // Most messages have the reason already.
    const cause = err?.message && !msg.includes(err.message.slice(0, comparedLength)) ? `: ${err.message}` : '';
    const say = () => this.#say(`${msg}${cause}`, level >= 50 ? 'bad' : 'warning');
    if (resource === undefined) say();
    // Most Events repeat the status.
    else void this.#feed?.says(resource, msg).then((isSaid) => isSaid || say());
  }

  #sayFault(error: unknown): void {
    const goesOn = this.#operator ? 'the operator goes on with the former configuration' : 'waiting for a change of it';
    this.#say(`${(error as Error).message}; ${goesOn}`, 'bad');
  }

  #say(text: string, kind: DevLine['kind']): void {
    this.#output.line({ subject: 'kplug', text, kind });
  }
}

function isFault(error: unknown): boolean {
  return error instanceof KplugError && error.code === 'InvalidConfiguration';
}
