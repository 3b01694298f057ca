import type { Instance } from '../resources/instance.ts';
import { fromSecret, type Server } from '../resources/manifests.ts';

const settings = `port: 4222
http_port: 8222
authorization { user: app, password: $QUOTED_PASSWORD }
jetstream { store_dir: /data }
`;

/** NATS with JetStream, whose newer versions read the data of older ones. */
export function nats({ name, password }: Instance): Server {
  return {
    type: 'nats',
    port: 4222,
    secret: { username: 'app', password },
    files: { 'nats.conf': settings },
    dataPath: '/data',
    args: ['--config', '/config/nats.conf'],
    env: [
      fromSecret(name, 'PASSWORD', 'password'),
      // NATS would read some passwords as numbers.
      { name: 'QUOTED_PASSWORD', value: '"$(PASSWORD)"' },
    ],
  };
}
