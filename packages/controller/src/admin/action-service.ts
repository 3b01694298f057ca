import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { ActionService } from '@kplug/protocol';
import type { Logger } from 'pino';
import { quote } from '../authentication/refusals.ts';
import type { Registry } from '../registry/registry.ts';
import type { ActionRights } from './action-rights.ts';
import { codeOfStatus } from './deny-request.ts';

/** Parts of a controller that actions are performed on. */
export interface ActionParts {
  rights: ActionRights;
  registry: Registry;
  /** Reports whether the controller waits for leadership. */
  isStandby: () => boolean;
  log: Logger;
}

/** Implements `kplug.v1.ActionService`: what users may change. Whoever may not act learns nothing about what exists. */
export function actionService({ rights, registry, isStandby, log }: ActionParts): ServiceImpl<typeof ActionService> {
  return {
    getActions: async (_, context) => {
      const { denial } = await rights.decide(context);
      if (denial) return { drain: false, message: denial.message };
      return isStandby() ? { drain: false, message: standby } : { drain: true, message: '' };
    },

    drainInstance: async ({ instanceId }, context) => {
      const user = await requireUser(rights, context);
      if (isStandby()) throw new ConnectError(standby, Code.FailedPrecondition);
      const instance = registry.get(instanceId);
      // As in lists of instances, those of attachments are left out: whoever attached one detaches it.
      if (!instance || instance.registration.attachment !== undefined) {
        const message = `no instance has the id ${quote(instanceId)}; it may have stopped already`;
        throw new ConnectError(message, Code.NotFound);
      }
      const reason = `drained by ${user} through the admin port`;
      if (!registry.drain(instanceId, reason)) return {};
      const { plugin, version, address } = instance.registration;
      log.info({ plugin, version, instance: instanceId, user }, `${plugin} ${version} at ${address} is ${reason}`);
      return {};
    },
  };
}

const standby = 'this operator waits for leadership and knows no instances; ask the one that leads';

/** Returns the user of a request as a text. Throws if the user may not act. */
async function requireUser(rights: ActionRights, context: HandlerContext): Promise<string> {
  const { user, denial } = await rights.decide(context);
  if (denial) throw new ConnectError(denial.message, codeOfStatus(denial.status), denial.headers);
  return user;
}
