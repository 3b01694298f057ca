import { keyOf } from '@kplug/controller';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import { until } from '../../until.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import type { SeenCall } from './scripted-plugin.ts';

/** How long an instance is watched that must not be called, in milliseconds. */
const watchTime = 1_000;

/** How far the deadlines of a request may be apart, in milliseconds: what it takes to write, send and read it. */
const deadlineSlack = 1_000;

/** The longest deadline that is waited for, in milliseconds. */
const longestDeadline = 15_000;

/** A request larger than that is to be made by Reconcile. */
const largeRequest = 300 * 1024;

/** What is required of the calls of a controller for resources that are delegated. */
export const calling: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C8',
    level: 'MUST',
    title: 'calls no instance that answers GetInfo as another one',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('another', { isAnother: true });
      await using handed = await delegated.hand(plugin, 'c8-another', () => undefined);
      const isLooked = () => plugin.asked.length > 0 || handed.calls().length > 0 || undefined;
      if (!(await until(isLooked, 10_000))) throw new NotTried('it neither asked the instance nor called it');
      await until(() => handed.calls()[0], watchTime);
      if (handed.calls().length > 0) throw new NotMet('a call', 'none, as GetInfo named another instance');
      return undefined;
    },
  },
  {
    number: 'C8',
    level: 'MUST',
    title: 'makes sure by GetInfo who answers before the first call',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c8', () => undefined);
      await handed.call(0);
      const [first] = plugin.calls;
      const [asked = Number.POSITIVE_INFINITY] = plugin.asked;
      if (asked > (first?.at ?? 0)) throw new NotMet('a call without GetInfo before it', 'GetInfo first');
      return undefined;
    },
  },
  {
    number: 'C33',
    level: 'MUST',
    title: 'calls no API that the plugin says it is not serving',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unserved', { isUnserved: true });
      await using handed = await delegated.hand(plugin, 'c33', () => undefined);
      const isLooked = () => plugin.isHealthKnown || handed.calls().length > 0 || undefined;
      if (!(await until(isLooked, 10_000)))
        throw new NotTried('it neither asked for the health of the API nor called it');
      await until(() => handed.calls()[0], watchTime);
      if (handed.calls().length > 0) throw new NotMet('a call', 'none, as the API was said not to be served');
      plugin.serveApi();
      const isCalled = await until(() => handed.calls()[0], 20_000);
      if (!isCalled) throw new NotMet('no call in 20 s', 'a call once the API was said to be served');
      return undefined;
    },
  },
  {
    number: 'C9',
    level: 'MUST',
    title: 'makes one call for a resource at a time',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c9', async (_, index) => {
        if (index === 0) await until(() => undefined, 1_500);
        return undefined;
      });
      await handed.call(0);
      for (let change = 0; change < 3; change++) {
        await handed.change();
        await until(() => undefined, 200);
      }
      await handed.call(1);
      const overlapping = plugin.calls.find((call, index) =>
        plugin.calls
          .slice(0, index)
          .some((earlier) => isSame(call, earlier) && call.at < (earlier.endedAt ?? Infinity)),
      );
      if (!overlapping) return `in ${plugin.calls.length} calls`;
      const { kind, metadata } = overlapping.base;
      throw new NotMet(`a call for ${kind} ${metadata.name} while another one was under way`, 'one after the other');
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'sends the deadline in the request and as that of the call',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c10', () => undefined);
      const { left, way } = await handed.call(0);
      const { said, grpc } = left ?? { said: Number.NaN, grpc: Number.NaN };
      if (!(said > 0)) throw new NotMet('no deadline in the request', 'context.deadline, in the future');
      if (way === 'work') return `${Math.round(said)} ms in the request, which came by Work`;
      if (!Number.isFinite(grpc)) throw new NotMet('no deadline of the call', 'that of the request');
      const seen = `${Math.round(said)} ms in the request, ${Math.round(grpc)} ms of the call`;
      if (Math.abs(said - grpc) > deadlineSlack) throw new NotMet(seen, 'the same');
      return seen;
    },
  },
  {
    number: 'C11',
    level: 'MUST',
    title: 'sends all extensions that exist',
    check: async ({ delegated }) => {
      if (delegated.extensions.length === 0) throw new NotTried('no extension was given, with --resource');
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c11', () => undefined);
      const { base, extensions } = await handed.call(0);
      const expected = delegated.extensions.map((one) => {
        const { metadata } = one;
        return keyOf({ ...one, metadata: { ...base.metadata, ...metadata } });
      });
      const sent = Object.keys(extensions);
      const missing = expected.filter((key) => !sent.includes(key));
      if (missing.length > 0) throw new NotMet(`${sent.join(', ') || 'none'}, not ${missing.join(', ')}`, 'all');
      return sent.join(', ');
    },
  },
];

/** What is required of the use of Work, by which the plugin's calls come from then on. */
export const working: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C17',
    level: 'MUST',
    title: 'uses Work only where it is served',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c17', () => undefined);
      await handed.call(0);
      const count = plugin.calls.filter(({ way }) => way === 'work').length;
      if (count > 0) throw new NotMet(`${count} calls by Work`, 'none, as GetInfo does not say that it is served');
      return `in ${plugin.calls.length} calls`;
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'calls by Reconcile what was under way on a stream of Work that ended',
    check: async (controller) => {
      const { delegated } = controller;
      const plugin = await demandWork(controller);
      plugin.breaking.add(delegated.nameOf('c17-ended'));
      await using handed = await delegated.hand(plugin, 'c17-ended', () => undefined);
      await handed.call(0);
      const { way } = await handed.call(1, 'the same call by Reconcile');
      if (way === 'work') throw new NotMet('the call on another stream', 'the call by Reconcile');
      return undefined;
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'makes large requests by Reconcile',
    check: async (controller) => {
      const { delegated } = controller;
      const plugin = await demandWork(controller);
      const padding = 'x'.repeat(largeRequest);
      const pad = <M extends { spec?: unknown }>(base: M): M => ({
        ...base,
        spec: { ...(base.spec as object), conformance: padding },
      });
      await using handed = await delegated.hand(plugin, 'c17-large', () => undefined, pad);
      const { way, base } = await handed.call(0);
      if (!JSON.stringify(base).includes(padding)) throw new NotTried('its schema takes no such field of its spec');
      if (way === 'work') throw new NotMet('it on a stream of Work', 'a request of more than 256 KiB by Reconcile');
      return undefined;
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'cancels a call on a stream of Work when its deadline has passed',
    check: async (controller) => {
      const { delegated } = controller;
      const plugin = await demandWork(controller);
      const before = plugin.cancelled;
      const isCancelled = () => plugin.cancelled > before || undefined;
      await using handed = await delegated.hand(plugin, 'c10-work', async ({ left }, index) => {
        if (index === 0 && (left?.said ?? 0) <= longestDeadline) await until(isCancelled, longestDeadline + 5_000);
        return undefined;
      });
      const { left, way } = await handed.call(0);
      if (way !== 'work') throw new NotTried('it made the call by Reconcile');
      const said = Math.round(left?.said ?? 0);
      if (said > longestDeadline) throw new NotTried(`its deadline is in ${said} ms; more than is waited for`);
      if (await until(isCancelled, said + 5_000)) return `after ${said} ms`;
      throw new NotMet(`no cancellation in ${said + 5_000} ms`, `one when ${said} ms had passed`);
    },
  },
];

function isSame(a: SeenCall, b: SeenCall): boolean {
  return a.base.metadata.uid === b.base.metadata.uid;
}

/** The plugin that serves Work. Throws `NotTried` when the controller doesn't call it by that. */
async function demandWork({ delegated }: ControllerUnderTest) {
  const plugin = await delegated.today('work', { servesWork: true });
  if (plugin.calls.some(({ way }) => way === 'work')) return plugin;
  await using handed = await delegated.hand(plugin, 'c17-work', () => undefined);
  const { way } = await handed.call(0);
  if (way === 'work') return plugin;
  throw new NotTried("it doesn't use Work, which is optional");
}
