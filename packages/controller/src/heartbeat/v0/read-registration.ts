import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { RefusalReason, RegistrationSchema, type v0 } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import type { RegistrationReader } from '../../registry/read-registration.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { Registration } from '../../registry/registration.ts';
import { readLooseVersion } from './loose-version.ts';

const requiredFields = ['address', 'name', 'api'] as const;

/** Reads and checks the heartbeat of a v0 plugin. Throws `RefusedRegistration`. */
export function readPluginInformation(
  message: v0.PluginInformation,
  peer: string,
  reader: RegistrationReader,
): Registration {
  const missing = requiredFields.filter((field) => !message[field]);
  if (missing.length > 0) {
    const text = `the heartbeat has no ${missing.join(' and no ')}; it must have an address, a name and an api`;
    throw new RefusedRegistration(RefusalReason.INVALID, text);
  }
  const { address, name, version, api, apiVersion } = message;
  const said = create(RegistrationSchema, {
    plugin: name,
    version: readLooseVersion(version),
    apis: [{ name: api, version: readLooseVersion(apiVersion) }],
    address,
    instanceId: 'unknown',
    interval: durationFromMs(limits.registry.v0Interval),
  });
  const registration = reader.read(said, peer);
  return { ...registration, instanceId: identify(registration, api), protocol: 'kplug' };
}

/** Instance id of a v0 plugin, which has none: one process listens at an address, and registers each of its APIs separately. */
function identify({ plugin, address }: Registration, api: string): string {
  const id = `${plugin}/${api}@${address}`;
  return id.length <= limits.registry.maxInstanceIdLength ? id : createHash('sha256').update(id).digest('hex');
}
