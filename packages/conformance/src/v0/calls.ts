import * as grpc from '@grpc/grpc-js';
import { formatJson, isServiceError } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { named } from '../plugin/sample.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { V0Call, V0UnderTest } from './v0-under-test.ts';

/** Message size that a plugin has to accept, in bytes. */
const maxMessageSize = 4 * 1024 * 1024;

/** Requirements on `create`, `update` and `delete`. The last checks delete what the others created. */
export const callRequirements: readonly Requirement<V0UnderTest>[] = [
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates the given resource',
    check: async (plugin) => {
      requireGiven(plugin);
      await requireSuccess(plugin, () => plugin.creation());
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates a resource that already exists',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['a second time', 'a third time']) await requireSuccess(plugin, () => plugin.create());
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'updates a resource repeatedly',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['a first time', 'a second time']) await requireSuccess(plugin, () => plugin.update());
      return undefined;
    },
  },
  {
    number: 'F7',
    level: 'MUST',
    title: 'accepts messages of up to 4 MiB',
    check: async (plugin) => {
      await plugin.created();
      const { base, extensions } = plugin.sample;
      const others = formatJson(plugin.request(base, extensions)).length;
      // The message contains more than the base.
      const padding = 'x'.repeat(maxMessageSize - 16 * 1024 - others);
      const metadata = { ...base.metadata, annotations: { ...base.metadata.annotations, padding } };
      await requireSuccess(plugin, () => plugin.update(plugin.request({ ...base, metadata })));
      return undefined;
    },
  },
  {
    number: 'P32',
    level: 'MUST',
    title: 'fails an unreadable request and keeps serving',
    check: async (plugin) => {
      const { base = {}, references = {} } = plugin.request();
      const truncated = (base.yaml ?? '').slice(0, (base.yaml ?? '').indexOf('kind') + 1);
      for (const [what, request] of [
        ['a base that is not YAML', { base: { yaml: `${truncated}: [` }, references }],
        ['no base', { references }],
      ] as const) {
        const answer = await plugin.create(request).catch(asServiceError);
        if (!isServiceError(answer)) throw new NotMet(`no error for ${what}`, 'a gRPC error');
        if (answer.code === grpc.status.UNAVAILABLE)
          throw new NotMet(`after ${what}: ${describeAnswer(answer)}`, 'run');
      }
      await plugin.delete(plugin.request(named(plugin.sample.base, 'unread'))).catch((error: unknown) => {
        asServiceError(error);
        if (isServiceError(error) && error.code !== grpc.status.UNAVAILABLE) return;
        throw new NotMet(`the next call: ${describeAnswer(error)}`, 'an answer');
      });
      return undefined;
    },
  },
  {
    number: 'P33',
    level: 'MUST',
    title: 'answers when references are missing',
    check: async (plugin) => {
      if (plugin.sample.extensions.length === 0) throw new NotTried('no extension was given with --resource');
      await plugin.created();
      const answer = await plugin.update(plugin.request(plugin.sample.base, [])).catch(asServiceError);
      // Restores the state for the following checks.
      await plugin.update().catch(asServiceError);
      if (!isServiceError(answer)) return 'with success';
      if (answer.code !== grpc.status.UNAVAILABLE) return describeAnswer(answer);
      throw new NotMet(describeAnswer(answer), 'an answer');
    },
  },
  {
    number: 'F7',
    level: 'SHOULD',
    title: 'keeps working after a cancelled call',
    check: async (plugin) => {
      await plugin.created();
      for (const after of [0, 5, 20]) {
        // The call may be answered before it is cancelled.
        await plugin.update(plugin.request(), AbortSignal.timeout(after)).catch(asServiceError);
      }
      await requireSuccess(plugin, () => plugin.update());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes what it created',
    check: async (plugin) => {
      await plugin.created();
      await requireSuccess(plugin, () => plugin.delete());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes again what it already deleted',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['once', 'twice']) await requireSuccess(plugin, () => plugin.delete());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes a resource that it never received',
    check: async (plugin) => {
      requireGiven(plugin);
      const { base } = plugin.sample;
      const request = plugin.request(named(base, `${base.metadata.name}-never-seen`));
      await requireSuccess(plugin, () => plugin.delete(request));
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates a deleted resource',
    check: async (plugin) => {
      await plugin.created();
      await requireSuccess(plugin, () => plugin.create());
      await plugin.delete().catch(asServiceError);
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'updates a missing resource',
    check: async (plugin) => {
      await plugin.created();
      try {
        await requireSuccess(plugin, () => plugin.update());
      } finally {
        await plugin.delete().catch(asServiceError);
      }
      return undefined;
    },
  },
];

function requireGiven({ sample }: V0UnderTest): void {
  if (!sample.isGiven) throw new NotTried('no resource was given with --resource');
}

async function requireSuccess(plugin: V0UnderTest, call: () => Promise<V0Call>): Promise<void> {
  const made = await plugin.retrying(call).catch(asServiceError);
  if (isServiceError(made)) throw new NotMet(describeAnswer(made), 'success');
}

/** Returns a gRPC error; rethrows any other. */
function asServiceError(error: unknown): grpc.ServiceError {
  if (isServiceError(error)) return error;
  throw error;
}
