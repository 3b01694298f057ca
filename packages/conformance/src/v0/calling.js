import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.js';
import { named } from '../plugin/sample.js';
import { NotMet, NotTried } from '../requirement.js';

const largest = 4 * 1024 * 1024;
/** What is required of `create`, `update` and `delete`, tried by calling them. Ends with nothing there. */
export const calling = [
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates the resource that is given',
    check: async (plugin) => {
      demandGiven(plugin);
      await succeeds(plugin, () => plugin.creation());
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates what is there already',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['a second time', 'a third time']) await succeeds(plugin, () => plugin.create());
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'updates what it created, again and again',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['a first time', 'a second time']) await succeeds(plugin, () => plugin.update());
      return undefined;
    },
  },
  {
    number: 'F7',
    level: 'MUST',
    title: 'takes messages of up to 4 MiB',
    check: async (plugin) => {
      await plugin.created();
      const { base, extensions } = plugin.sample;
      const others = JSON.stringify(plugin.request(base, extensions)).length;
      // Less what surrounds the base in the message.
      const padding = 'x'.repeat(largest - 16 * 1024 - others);
      const metadata = { ...base.metadata, annotations: { ...base.metadata.annotations, padding } };
      await succeeds(plugin, () => plugin.update(plugin.request({ ...base, metadata })));
      return undefined;
    },
  },
  {
    number: 'P32',
    level: 'MUST',
    title: 'fails a request that it can not read, and goes on',
    check: async (plugin) => {
      const { base = {}, references = {} } = plugin.request();
      const half = (base.yaml ?? '').slice(0, (base.yaml ?? '').indexOf('kind') + 1);
      for (const [what, request] of [
        ['a base that is not YAML', { base: { yaml: `${half}: [` }, references }],
        ['no base', { references }],
      ]) {
        const answer = await plugin.create(request).catch(passNotTried);
        if (!isServiceError(answer)) throw new NotMet(`${what} is answered without an error`, 'a gRPC error');
        if (answer.code === grpc.status.UNAVAILABLE)
          throw new NotMet(`after ${what}: ${describeAnswer(answer)}`, 'life');
      }
      await plugin.delete(plugin.request(named(plugin.sample.base, 'unread'))).catch((error) => {
        passNotTried(error);
        if (isServiceError(error) && error.code !== grpc.status.UNAVAILABLE) return;
        throw new NotMet(`the next call ends with ${describeAnswer(error)}`, 'an answer');
      });
      return undefined;
    },
  },
  {
    number: 'P33',
    level: 'MUST',
    title: 'answers when references are missing',
    check: async (plugin) => {
      if (plugin.sample.extensions.length === 0) throw new NotTried('no extension was given, with --resource');
      await plugin.created();
      const answer = await plugin.update(plugin.request(plugin.sample.base, [])).catch(passNotTried);
      // The world is as it was before.
      await plugin.update().catch(passNotTried);
      if (!isServiceError(answer)) return 'with success';
      if (answer.code !== grpc.status.UNAVAILABLE) return describeAnswer(answer);
      throw new NotMet(describeAnswer(answer), 'an answer');
    },
  },
  {
    number: 'F7',
    level: 'SHOULD',
    title: 'is well after a call that was cancelled',
    check: async (plugin) => {
      await plugin.created();
      for (const after of [0, 5, 20]) {
        // Answered before, or cancelled: either is as it should be.
        await plugin.update(plugin.request(), AbortSignal.timeout(after)).catch(passNotTried);
      }
      await succeeds(plugin, () => plugin.update());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes what it made',
    check: async (plugin) => {
      await plugin.created();
      await succeeds(plugin, () => plugin.delete());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes again what it has deleted',
    check: async (plugin) => {
      await plugin.created();
      for (const _ of ['once', 'twice']) await succeeds(plugin, () => plugin.delete());
      return undefined;
    },
  },
  {
    number: 'F5',
    level: 'MUST',
    title: 'deletes what it never saw',
    check: async (plugin) => {
      demandGiven(plugin);
      const { base } = plugin.sample;
      const request = plugin.request(named(base, `${base.metadata.name}-never-seen`));
      await succeeds(plugin, () => plugin.delete(request));
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'creates what was deleted',
    check: async (plugin) => {
      await plugin.created();
      await succeeds(plugin, () => plugin.create());
      await plugin.delete().catch(passNotTried);
      return undefined;
    },
  },
  {
    number: 'F3',
    level: 'MUST',
    title: 'updates what is missing',
    check: async (plugin) => {
      await plugin.created();
      try {
        await succeeds(plugin, () => plugin.update());
      } finally {
        await plugin.delete().catch(passNotTried);
      }
      return undefined;
    },
  },
];
function demandGiven({ sample }) {
  if (!sample.isGiven) throw new NotTried('no resource was given, with --resource');
}
async function succeeds(plugin, call) {
  const made = await plugin.retrying(call).catch(passNotTried);
  if (isServiceError(made)) throw new NotMet(describeAnswer(made), 'success');
}
/** A gRPC error as it is; what couldn't be tried stays untried. */
function passNotTried(error) {
  if (isServiceError(error)) return error;
  throw error;
}
//# sourceMappingURL=calling.js.map
