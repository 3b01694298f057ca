import type { Controller } from '@kplug/controller';
import type { Logger } from 'pino';
import { announce } from './announcement.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { makeLogger } from './logger.ts';
import { makeController, pluginsDirectoryOf } from './make-controller.ts';
import { nameFlags } from './name-flags.ts';
import { removeOperatorFile, writeOperatorFile } from './operator-file.ts';
import type { OperatorTerminal } from './operator-terminal.ts';
import { untilStopped } from './stop-signals.ts';
import { startTracing } from './tracing/start-tracing.ts';

/** Extension of the ready-made operator. */
export interface OperatorExtension {
  /**
   * Called once the operator has started, and leads if there is leader election. The function that it returns is called before the
   * operator stops. An error stops the operator.
   */
  onStart?(controller: Controller): Promise<OnStop | void> | OnStop | void;
}

/** Called before an operator stops. */
export type OnStop = () => Promise<void> | void;

/** Runs an operator until SIGTERM or SIGINT. Rejects when the operator can't start or loses the leadership. */
export async function runOperator(
  configuration: OperatorConfiguration,
  terminal: OperatorTerminal,
  { onStart }: OperatorExtension = {},
): Promise<void> {
  const stopped = untilStopped();
  const { settings } = configuration;
  const logger = await makeLogger(settings, terminal);
  for (const remark of configuration.remarks) logger.warn(remark);
  const tracing = await startTracing(process.env, logger);
  try {
    await runController(configuration, terminal, { logger, stopped, ...(onStart && { onStart }) });
  } finally {
    await tracing?.stop();
  }
}

async function runController(
  configuration: OperatorConfiguration,
  terminal: OperatorTerminal,
  { logger, stopped, onStart }: { logger: Logger; stopped: Promise<NodeJS.Signals> } & OperatorExtension,
): Promise<void> {
  const { settings } = configuration;
  const controller = await makeController(configuration, logger);
  const stopping = stopped.then((signal) => logStop(signal, logger));
  const onStop: OnStop[] = [];
  const started = controller.start().then(async () => {
    const stop = await onStart?.(controller);
    if (stop) onStop.push(stop);
    await announceOnce(controller, configuration, terminal);
  });
  const { manifests: directory, stateDir } = settings;
  try {
    // The operator may be stopped while it waits for the leadership.
    await Promise.race([stopping, Promise.all([started, controller.ended])]);
  } catch (error) {
    throw nameFlags(error);
  } finally {
    // First, so that no tool finds an operator that is stopping.
    if (directory !== undefined) await removeOperatorFile(directory, stateDir);
    for (const stop of onStop) await stop();
    await controller.stop();
    // The race has rejected with a failure to start; a start that was aborted by stopping is no failure.
    await started.catch(() => undefined);
  }
}

async function announceOnce(
  { heartbeatAddress, adminAddress, pageUrl, heartbeatSecurity }: Controller,
  { settings, delegations }: OperatorConfiguration,
  terminal: OperatorTerminal,
): Promise<void> {
  const { manifests: directory, stateDir, logFormat = 'text', context } = settings;
  if (directory !== undefined) {
    await writeOperatorFile(directory, { pid: process.pid, heartbeatAddress, adminAddress }, stateDir);
  }
  if (logFormat !== 'text') return;
  const pluginsDirectory = pluginsDirectoryOf(settings);
  const place = { directory, stateDir, context, pluginsDirectory };
  const isSecured = heartbeatSecurity === 'secured';
  announce({ ...place, delegations, heartbeatAddress, adminAddress, pageUrl, isSecured }, terminal);
}

function logStop(signal: NodeJS.Signals, logger: Logger): void {
  logger.info(`${signal} received; finishing in-flight reconciles; a second signal exits immediately`);
}
