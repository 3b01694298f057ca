import type { Controller, ControllerOptions, DelegationDeclaration } from '@kplug/controller';
import type { Logger } from 'pino';
import { type OperatorConfiguration, readConfiguration } from './configuration.ts';
import type { GivenFlag } from './flags.ts';
import { makeController } from './make-controller.ts';
import type { SettingName } from './settings.ts';

/** Settings of the ready-made operator that precede its configuration file and environment variables. */
export interface OperatorChoice {
  /** Path of the configuration file. Default: `kplug.yaml`, if it exists. */
  config?: string;
  /** Directory of manifests. */
  manifests?: string;
  /** Folder for the states of the resources. */
  stateDir?: string;
  /** Kubeconfig file of the cluster. */
  kubeconfig?: string;
  /** Context of the kubeconfig. */
  context?: string;
  /** Namespaces of the cluster to watch. */
  namespaces?: readonly string[];
}

/** Ready-made operator with its configuration, which is not running. */
export class ConfiguredOperator {
  readonly #configuration: OperatorConfiguration;

  private constructor(configuration: OperatorConfiguration) {
    this.#configuration = configuration;
  }

  /** Reads the configuration. Rejects with `InvalidConfiguration`, which names each invalid flag, variable and field. */
  static async read({ config, ...choice }: OperatorChoice): Promise<ConfiguredOperator> {
    const flags: Record<keyof typeof choice, string> = {
      ...{ manifests: 'manifests', stateDir: 'state-dir', kubeconfig: 'kubeconfig', context: 'context' },
      namespaces: 'namespace',
    };
    const settings = new Map<SettingName, GivenFlag>();
    for (const [name, flag] of Object.entries(flags) as [keyof typeof choice, string][]) {
      const value = choice[name];
      if (value !== undefined) settings.set(name, { flag: `--${flag}`, value });
    }
    const given = { ...(config !== undefined && { config }), settings };
    return new ConfiguredOperator(await readConfiguration(given, process.env));
  }

  /** Delegations of the configuration file. */
  get delegations(): readonly DelegationDeclaration[] {
    return this.#configuration.delegations;
  }

  /** Directory of manifests; `undefined` for a cluster. */
  get manifests(): string | undefined {
    return this.#configuration.settings.manifests;
  }

  /** Folder for the states of the resources, if it is not the default. */
  get stateDir(): string | undefined {
    return this.#configuration.settings.stateDir;
  }

  /** Returns the operator for another directory of manifests, or for a cluster. */
  on(manifests: string | undefined): ConfiguredOperator {
    const { manifests: _, ...settings } = this.#configuration.settings;
    return this.#with(manifests === undefined ? settings : { ...settings, manifests });
  }

  /** Returns the operator on free ports of this machine, where the configuration sets none. It has no ports for metrics and probes alone. */
  withFreePorts(): ConfiguredOperator {
    const free = { grpcBindAddress: '127.0.0.1:0', adminBindAddress: '127.0.0.1:0' };
    return this.#with({ ...free, metricsAddr: '0', healthProbeBindAddress: '0', ...this.#configuration.settings });
  }

  /**
   * Opens the resources, and makes the controller without starting it. Rejects with `InvalidConfiguration`, or with the error of opening
   * the resources.
   *
   * @param options options that precede those of the configuration.
   */
  makeController(logger: Logger, options?: Partial<ControllerOptions>): Promise<Controller> {
    return makeController(this.#configuration, logger, options);
  }

  #with(settings: OperatorConfiguration['settings']): ConfiguredOperator {
    return new ConfiguredOperator({ ...this.#configuration, settings });
  }
}
