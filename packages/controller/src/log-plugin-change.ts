import type { Logger } from 'pino';
import type { InstanceChange } from './registry/instance.ts';

/** Logs the registration of an instance, and each change of its state. */
export function logPluginChange(log: Logger, { instance, from }: InstanceChange): void {
  const { registration, state, stateReason } = instance;
  if (from === state) return;
  const { plugin, version, address, instanceId } = registration;
  const details = { plugin, version, address, instance: instanceId, state };
  const change = `${plugin} ${version} at ${address} ${from === undefined ? 'registered' : `is ${state}`}`;
  const message = stateReason ? `${change}: ${stateReason}` : change;
  if (state === 'suspect') log.warn(details, message);
  else log.info(details, message);
}
