import { definePlugin, terminal } from '@kplug/sdk';
import { type Content, hashOf, validate } from './check.ts';
import { Deployments } from './deployments.ts';

/** Interval between checks for new Deployments, in milliseconds. */
const interval = 60_000;

const deployments = new Deployments();

await definePlugin<Content & { spec?: unknown }>({
  name: 'ConfigMapRoller',
  version: '1.0.0',
  api: 'ConfigMap@1.0.0',
  async reconcile({ base }) {
    const errors = validate(base);
    // A malformed ConfigMap is not rolled out.
    if (errors.length > 0) throw terminal(errors.join('; '), { reason: 'Malformed' });
    const hash = hashOf(base);
    const { name, namespace = '' } = base.metadata;
    const users = await deployments.roll(namespace, name, hash);
    const rolled = users.filter((user) => user.rolled).map((user) => user.name);
    const message = `${rolled.join(', ')} ${rolled.length === 1 ? 'is' : 'are'} rolled to ${hash}`;
    return {
      status: { hash, deployments: users.map((user) => user.name).sort() },
      events: rolled.length > 0 ? [{ reason: 'RolledOut', message }] : [],
      requeueAfter: interval,
    };
  },
}).serve();
