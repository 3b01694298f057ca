import { randomBytes } from 'node:crypto';
import { defineCapability, nameFrom } from '@kplug/sdk';
import { capabilitySpec } from '../resources/capability-spec.ts';
import { historyOf } from '../resources/history.ts';
import { maxInstanceName } from '../resources/instance.ts';
import { dependentsOf, portOf } from '../resources/manifests.ts';
import { mariadb } from './mariadb.ts';
import { database, user } from './names.ts';
import { postgresql } from './postgresql.ts';

const servers = { postgresql, mariadb };

/** Images by type, in which `{version}` stands for the version. */
export type DatabaseImages = Readonly<Record<keyof typeof servers, string>>;

/** Returns the plugin that provides databases. */
export function databases(images: DatabaseImages) {
  return defineCapability({
    name: 'Databases',
    version: '1.0.0',
    api: 'Capability@1.0.0',
    base: capabilitySpec,
    category: 'database',
    types: { postgresql: ['14', '15', '16', '17', '18'], mariadb: ['10.11', '11.4'] },
    dependents({ base, type, version, spec }, observed) {
      const name = nameFrom(base, 'db', maxInstanceName);
      const instance = {
        name,
        version,
        ...historyOf(name, version, observed),
        imageOf: (wanted: string) => images[type].replaceAll('{version}', wanted),
        storage: spec.storage,
        password: randomBytes(18).toString('base64url'),
      };
      return dependentsOf(instance, servers[type](instance));
    },
    status({ base, namespace }, observed) {
      const name = nameFrom(base, 'db', maxInstanceName);
      const port = portOf(observed, name);
      if (port === undefined) return undefined;
      return { host: `${name}.${namespace}.svc`, port, database, username: user, secretName: name };
    },
  });
}
