import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { RefusalReason, RegistrationSchema, type v0 } from '@kplug/protocol';
import type { RegistrationReader } from '../../registry/read-registration.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { Registration } from '../../registry/registration.ts';
import { readLooseVersion } from './loose-version.ts';

/** How often the first Kplug's SDKs beat, in milliseconds. They can't be told to beat more often. */
const beatInterval = 5_000;

const requiredFields = ['address', 'name', 'api'] as const;

/** Reads and checks what a plugin of the first Kplug says of itself. Throws `RefusedRegistration`. */
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
    interval: durationFromMs(beatInterval),
  });
  const registration = reader.read(said, peer);
  return { ...registration, instanceId: identify(registration, api), protocol: 'kplug' };
}

/** They have no instance ids. What listens at an address is one process, and it registers each of its APIs by itself. */
function identify({ plugin, address }: Registration, api: string): string {
  const id = `${plugin}/${api}@${address}`;
  return id.length <= 128 ? id : createHash('sha256').update(id).digest('hex');
}
