import { randomBytes } from 'node:crypto';
import { defineCapability, nameFrom } from '@kplug/sdk';
import { capabilitySpec } from '../resources/capability-spec.ts';
import { historyOf } from '../resources/history.ts';
import { maxInstanceName } from '../resources/instance.ts';
import { dependentsOf, portOf } from '../resources/manifests.ts';
import { nats } from './nats.ts';

/** Returns the plugin that provides messaging. @param image image, in which `{version}` stands for the version. */
export function messaging(image: string) {
  return defineCapability({
    name: 'Messaging',
    version: '1.0.0',
    api: 'Capability@1.0.0',
    base: capabilitySpec,
    category: 'messaging',
    types: { nats: ['2.11', '2.12'] },
    dependents({ base, version, spec }, observed) {
      const name = nameFrom(base, 'nats', maxInstanceName);
      const instance = {
        name,
        version,
        ...historyOf(name, version, observed),
        imageOf: (wanted: string) => image.replaceAll('{version}', wanted),
        storage: spec.storage,
        password: randomBytes(18).toString('base64url'),
      };
      return dependentsOf(instance, nats(instance));
    },
    status({ base, namespace }, observed) {
      const name = nameFrom(base, 'nats', maxInstanceName);
      const port = portOf(observed, name);
      if (port === undefined) return undefined;
      return { host: `${name}.${namespace}.svc`, port, username: 'app', secretName: name };
    },
  });
}
