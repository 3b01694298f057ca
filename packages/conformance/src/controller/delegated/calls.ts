import { setTimeout as delay } from 'node:timers/promises';
import { keyOf } from '@kplug/controller';
import { formatJson } from '@kplug/protocol';
import { eventually } from '../../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import type { ReceivedCall } from './scripted-plugin.ts';

/** Largest difference of the two deadlines of a request, in milliseconds. It covers serialization and transfer. */
const deadlineSlack = 1_000;

/** Longest deadline that the suite waits for, in milliseconds. */
const maxDeadline = 15_000;

/** Size of a request that has to be sent by Reconcile, in bytes. */
const largeRequest = 300 * 1024;

/** Requirements on the calls of a controller for delegated resources. */
export const callRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C8',
    level: 'MUST',
    title: 'calls no instance that answers GetInfo with another instance id',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('otherId', { hasOtherId: true });
      await using resource = await delegated.delegate(plugin, 'c8-other-id', () => undefined);
      const isUsed = () => plugin.infoCalls.length > 0 || resource.calls().length > 0;
      if (!(await eventually(isUsed, times.retry))) throw new NotTried('neither GetInfo nor a call was sent');
      await eventually(() => resource.calls()[0], times.quiet);
      if (resource.calls().length > 0) throw new NotMet('a call', 'no call, as GetInfo returned another instance id');
      return undefined;
    },
  },
  {
    number: 'C8',
    level: 'MUST',
    title: 'verifies the instance by GetInfo before the first call',
    check: async ({ delegated }) => {
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c8', () => undefined);
      await resource.call(0);
      const [first] = plugin.calls;
      const [infoAt = Number.POSITIVE_INFINITY] = plugin.infoCalls;
      if (infoAt > (first?.at ?? 0)) throw new NotMet('a call before GetInfo', 'GetInfo first');
      return undefined;
    },
  },
  {
    number: 'C33',
    level: 'MUST',
    title: 'calls no API whose health is NOT_SERVING',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('notServing', { startsNotServing: true });
      await using resource = await delegated.delegate(plugin, 'c33', () => undefined);
      const isUsed = () => plugin.isHealthRequested || resource.calls().length > 0;
      if (!(await eventually(isUsed, times.retry)))
        throw new NotTried('neither a health check of the API nor a call was sent');
      await eventually(() => resource.calls()[0], times.quiet);
      if (resource.calls().length > 0) throw new NotMet('a call', 'no call, as the API is NOT_SERVING');
      plugin.serveApi();
      const called = await eventually(() => resource.calls()[0], times.call);
      if (!called) throw new NotMet(`no call in ${times.call / 1_000} s`, 'a call once the API is SERVING');
      return undefined;
    },
  },
  {
    number: 'C9',
    level: 'MUST',
    title: 'makes one call for a resource at a time',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c9', async (_, index) => {
        if (index === 0) await delay(times.quiet);
        return undefined;
      });
      await resource.call(0);
      for (let change = 0; change < 3; change++) {
        await resource.change();
        await delay(times.quiet / 10);
      }
      await resource.call(1);
      const overlapping = plugin.calls.find((call, index) =>
        plugin.calls.slice(0, index).some((earlier) => isSame(call, earlier) && call.at < endOf(earlier)),
      );
      if (!overlapping) return `in ${plugin.calls.length} calls`;
      const { kind, metadata } = overlapping.base;
      throw new NotMet(`a call for ${kind} ${metadata.name} while another was in progress`, 'one call after the other');
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'sends the deadline in the request and as the gRPC deadline',
    check: async ({ delegated }) => {
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c10', () => undefined);
      const { remaining, transport } = await resource.call(0);
      const { request, call } = remaining ?? { request: Number.NaN, call: Number.NaN };
      if (!(request > 0)) throw new NotMet('no deadline in the request', 'context.deadline, in the future');
      if (transport === 'work') return `${Math.round(request)} ms in the request, sent over Work`;
      if (!Number.isFinite(call)) throw new NotMet('no gRPC deadline', 'the deadline of the request');
      const seen = `${Math.round(request)} ms in the request, ${Math.round(call)} ms as the gRPC deadline`;
      if (Math.abs(request - call) > deadlineSlack) throw new NotMet(seen, 'the same deadline');
      return seen;
    },
  },
  {
    number: 'C11',
    level: 'MUST',
    title: 'sends all existing extensions',
    check: async ({ delegated }) => {
      if (delegated.extensions.length === 0) throw new NotTried('no extension was given with --resource');
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c11', () => undefined);
      const { base, extensions } = await resource.call(0);
      const expected = delegated.extensions.map((one) => {
        const { metadata } = one;
        return keyOf({ ...one, metadata: { ...base.metadata, ...metadata } });
      });
      const sent = Object.keys(extensions);
      const missing = expected.filter((key) => !sent.includes(key));
      if (missing.length > 0)
        throw new NotMet(`${sent.join(', ') || 'none'}, without ${missing.join(', ')}`, 'all extensions');
      return sent.join(', ');
    },
  },
];

/** Requirements on the use of Work. The plugin announces it from here on. */
export const workRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C17',
    level: 'MUST',
    title: 'uses Work only if GetInfo announces it',
    check: async ({ delegated }) => {
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c17', () => undefined);
      await resource.call(0);
      const count = plugin.calls.filter(({ transport }) => transport === 'work').length;
      if (count > 0) throw new NotMet(`${count} calls over Work`, 'no call over Work, as GetInfo does not announce it');
      return `in ${plugin.calls.length} calls`;
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'repeats by Reconcile the calls that were in-flight on a Work stream that ended',
    check: async (controller) => {
      const { delegated } = controller;
      const plugin = await requireWork(controller);
      plugin.endsStreamFor.add(delegated.nameOf('c17-ended'));
      await using resource = await delegated.delegate(plugin, 'c17-ended', () => undefined);
      await resource.call(0);
      const { transport } = await resource.call(1, 'the same call by Reconcile');
      if (transport === 'work') throw new NotMet('the call on another Work stream', 'the call by Reconcile');
      return undefined;
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'sends large requests by Reconcile',
    check: async (controller) => {
      const { delegated } = controller;
      const plugin = await requireWork(controller);
      const padding = 'x'.repeat(largeRequest);
      const pad = <M extends { spec?: unknown }>(base: M): M => ({
        ...base,
        spec: { ...(base.spec as object), conformance: padding },
      });
      await using resource = await delegated.delegate(plugin, 'c17-large', () => undefined, pad);
      const { transport, base } = await resource.call(0);
      if (!formatJson(base).includes(padding))
        throw new NotTried('the schema of the base rejects the field spec.conformance');
      if (transport === 'work') throw new NotMet('the request on a Work stream', 'a request over 256 KiB by Reconcile');
      return undefined;
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'cancels a call on a Work stream at its deadline',
    check: async (controller) => {
      const { delegated, times } = controller;
      const plugin = await requireWork(controller);
      const before = plugin.cancelled;
      const isCancelled = () => plugin.cancelled > before;
      await using resource = await delegated.delegate(plugin, 'c10-work', async ({ remaining }, index) => {
        const deadline = remaining?.request ?? 0;
        if (index === 0 && deadline <= maxDeadline) await eventually(isCancelled, deadline + times.answer);
        return undefined;
      });
      const { remaining, transport } = await resource.call(0);
      if (transport !== 'work') throw new NotTried('the call was made by Reconcile');
      const deadline = Math.round(remaining?.request ?? 0);
      if (deadline > maxDeadline)
        throw new NotTried(`the deadline is ${deadline} ms away; set one of at most ${maxDeadline} ms`);
      if (await eventually(isCancelled, deadline + times.answer)) return `after ${deadline} ms`;
      throw new NotMet(`no cancellation in ${deadline + times.answer} ms`, `a cancellation after ${deadline} ms`);
    },
  },
];

/** Returns when a call ended: with its answer, or at its deadline on a machine that is too busy. */
function endOf({ at, endedAt = Number.POSITIVE_INFINITY, remaining }: ReceivedCall): number {
  return Math.min(endedAt, at + (remaining?.call || Number.POSITIVE_INFINITY));
}

function isSame(a: ReceivedCall, b: ReceivedCall): boolean {
  return a.base.metadata.uid === b.base.metadata.uid;
}

/** Returns the plugin that announces Work. Rejects with `NotTried` when the controller does not use Work. */
async function requireWork({ delegated }: ControllerUnderTest) {
  const plugin = await delegated.v1('work', { servesWork: true });
  if (plugin.calls.some(({ transport }) => transport === 'work')) return plugin;
  await using resource = await delegated.delegate(plugin, 'c17-work', () => undefined);
  const { transport } = await resource.call(0);
  if (transport === 'work') return plugin;
  throw new NotTried('the controller does not use Work, which is optional');
}
