import { definePlugin } from '@kplug/sdk';
import { Grants } from './grants.ts';
import { accessRequest, periodOf } from './request.ts';

const grants = new Grants();

await definePlugin({
  name: 'RoleBindings',
  version: '1.0.0',
  api: 'AccessRequest@1.0.0',
  base: accessRequest,
  async reconcile({ base }) {
    const { name, namespace = '' } = base.metadata;
    const { user, role } = base.spec;
    const { grantedAt, expiresAt, left } = periodOf(base, Date.now());
    const status = { grantedAt, expiresAt };
    if (left <= 0) {
      const revoked = await grants.revoke(namespace, name);
      const message = `${user} was ${role} until ${expiresAt}`;
      return {
        status: { ...status, phase: 'Expired' },
        conditions: [{ type: 'Granted', status: false, reason: 'Expired', message }],
        events: revoked ? [{ reason: 'Expired', message }] : [],
      };
    }
    const granted = await grants.grant(namespace, name, { user, role });
    const message = `${user} is ${role} until ${expiresAt}`;
    return {
      status: { ...status, phase: 'Granted' },
      conditions: [{ type: 'Granted', status: true, reason: 'Granted', message }],
      events: granted ? [{ reason: 'Granted', message }] : [],
      // The next call is exactly at the time of the expiry.
      requeueAfter: left,
    };
  },
  async finalize({ base: { metadata } }) {
    const revoked = await grants.revoke(metadata.namespace ?? '', metadata.name);
    return { events: revoked ? [{ reason: 'Revoked', message: 'the request was deleted' }] : [] };
  },
}).serve();
