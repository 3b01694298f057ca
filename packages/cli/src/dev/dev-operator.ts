import {
  type CallObservation,
  type Controller,
  type ProgramHost,
  type ResourceKey,
  safeLogLine,
} from '@kplug/controller';
import { type ConfiguredOperator, nameFlags } from '@kplug/operator';
import { removeOperatorFile, writeOperatorFile } from '@kplug/operator/operator-file';
import { pino } from 'pino';

/** Settings of processes that are restarted often, in milliseconds. */
const processes = {
  // A call that hangs in the former code does not hold up the new code.
  drainTimeout: 1_000,
  stopTimeout: 3_000,
  restart: { initialBackOff: 1_000, maxBackOff: 10_000 },
};

/** Time that in-flight calls may take to end when the operator stops, in milliseconds. */
const stopTimeout = 3_000;

/** Line of the log of an operator. */
export interface OperatorLogLine {
  level: number;
  msg?: string;
  /** Resource of an Event. */
  resource?: ResourceKey;
  /** Plugin whose process is concerned. */
  hosted?: string;
  /** Process that wrote the line; missing for lines about it. */
  hostedPid?: number;
  err?: { message?: string };
}

/** Dependencies of an operator for development. */
export interface DevOperatorOptions {
  configured: ConfiguredOperator;
  /** Working directory. */
  directory: string;
  onLog: (line: OperatorLogLine) => void;
  onCall: (call: CallObservation) => void;
  /** Starts the plugins. */
  onHost: (host: ProgramHost) => Promise<void>;
}

/** Operator in this process that runs plugins from their sources. */
export class DevOperator {
  readonly controller: Controller;
  readonly #options: DevOperatorOptions;

  private constructor(controller: Controller, options: DevOperatorOptions) {
    this.controller = controller;
    this.#options = options;
  }

  /** Makes an operator without starting it. Rejects as `ConfiguredOperator.makeController` does. */
  static async make(options: DevOperatorOptions): Promise<DevOperator> {
    const { configured, directory, onLog, onCall, onHost: start } = options;
    const write = (line: string) => onLog(JSON.parse(safeLogLine(line)) as OperatorLogLine);
    const logger = pino({ base: null, level: 'debug' }, { write });
    const inheritedEnvironment = Object.keys(process.env).filter(isInherited);
    const programs = { directory, inheritedEnvironment, ...processes, start };
    const controller = await configured.withFreePorts().makeController(logger, { programs, onCall, stopTimeout });
    return new DevOperator(controller, options);
  }

  /** Starts the operator. Rejects as `Controller.start` does. */
  async start(): Promise<void> {
    const { controller } = this;
    try {
      await controller.start();
    } catch (error) {
      throw nameFlags(error);
    }
    const { manifests, stateDir } = this.#options.configured;
    if (manifests === undefined) return;
    const { heartbeatAddress, adminAddress } = controller;
    await writeOperatorFile(manifests, { pid: process.pid, heartbeatAddress, adminAddress }, stateDir);
  }

  /** Stops the operator: in-flight calls end, and plugins drain. */
  async stop(): Promise<void> {
    const { manifests, stateDir } = this.#options.configured;
    if (manifests !== undefined) await removeOperatorFile(manifests, stateDir);
    await this.controller.stop();
  }
}

function isInherited(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !name.startsWith('KPLUG_');
}
