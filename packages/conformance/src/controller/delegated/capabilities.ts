import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Manifest } from '@kplug/controller/memory';
import { eventually } from '../../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { conditionsOf } from './read-status.ts';
import type { ReceivedCall } from './scripted-plugin.ts';
import type { V1Plugin } from './v1-plugin.ts';

const provided = { category: 'conformance', type: 'Alpha', versions: ['1', '2.5', '2'] };

/** Requirements on delegations with capabilities. */
export const capabilityRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C47',
    level: 'MUST',
    title: 'sends the capability that a base asks for, in the stated version or the newest one that it accepts',
    check: async (controller) => {
      const plugin = await startProvider(controller);
      for (const [suffix, wanted, version] of [
        ['stated', '2', '2'],
        ['range', '<2', '1'],
        ['newest', undefined, '2.5'],
      ] as const) {
        const base = asking(wanted, 'ALPHA');
        await using resource = await controller.delegated.delegate(plugin, `c47-${suffix}`, () => undefined, base);
        expectCapability(await resource.call(0), version, '');
      }
      return undefined;
    },
  },
  {
    number: 'C48',
    level: 'MUST',
    title: 'keeps the version of a base for as long as the base accepts it, and sends the version before',
    check: async (controller) => {
      const plugin = await startProvider(controller);
      const again = { requeueAfter: durationFromMs(controller.times.settle) };
      await using resource = await controller.delegated.delegate(plugin, 'c48', () => again, asking('1'));
      expectCapability(await resource.call(0), '1', '');
      await resource.replace(asking('2'));
      expectCapability(await first(resource, 'version', '2', controller), '2', '1');
      expectCapability(await first(resource, 'previousVersion', '2', controller), '2', '2');
      const count = resource.calls().length;
      await resource.replace(asking('>=1'));
      // The call at this index may have been in flight before the change.
      expectCapability(await resource.call(count + 1, 'a call for the changed resource'), '2', '2');
      return undefined;
    },
  },
  {
    number: 'C49',
    level: 'MUST',
    title: 'calls no plugin for a version that none provides, reports that, and calls one as soon as it provides it',
    check: async (controller) => {
      const { delegated, times } = controller;
      const plugin = await startProvider(controller);
      await using resource = await delegated.delegate(plugin, 'c49', () => undefined, asking('9'));
      await using marker = await delegated.delegate(plugin, 'c49-marker', () => undefined, asking('1'));
      // The controller has seen the former resource, too.
      await marker.call(0, 'a call for a resource that was created later');
      if (await eventually(() => resource.calls()[0], times.quiet)) {
        throw new NotMet('a call', 'no call for version 9, as the plugin provides 1, 2 and 2.5');
      }
      const later = await delegated.v1('provider of 9', { provides: [{ ...provided, versions: ['1', '9'] }] });
      const call = await eventually(() => later.callsFor(resource.name)[0], times.call);
      if (!call) throw new NotMet(`no call in ${times.call / 1_000} s`, 'a call when a plugin provides version 9');
      expectCapability(call, '9', '');
      const reported = conditionsOf(call.base).find(
        ({ status, message }) => status === 'False' && message?.includes('9'),
      );
      if (!reported) throw new NotMet('no condition with status False and a message about it', 'what is missing');
      return `${reported.reason}: ${reported.message}`;
    },
  },
];

/** Starts the plugin that provides the capability. Throws `NotTried` if the delegation has no capabilities. */
async function startProvider({ delegated }: ControllerUnderTest): Promise<V1Plugin> {
  const plugin = await delegated.v1('provider', { provides: [provided] });
  await using resource = await delegated.delegate(plugin, 'capable', () => undefined, asking('1'));
  const { capability } = await resource.call(0);
  if (!capability) throw new NotTried('the delegation has no capabilities; add "capability: {}" to it');
  return plugin;
}

/** Returns a change of a base that makes it ask for a version. */
function asking(version: string | undefined, type = provided.type): (base: Manifest) => Manifest {
  const wanted = { category: 'conformance', type, ...(version !== undefined && { version }) };
  return (base) => ({ ...base, spec: { ...base.spec, ...wanted } });
}

function expectCapability({ capability }: ReceivedCall, version: string, previousVersion: string): void {
  const { category, type } = provided;
  const { category: _category, ...seen } = { category: '', type: '', version: '', previousVersion: '', ...capability };
  const isMet = capability?.category === category && seen.type === type && seen.version === version;
  if (isMet && seen.previousVersion === previousVersion) return;
  const describe = (one: { type: string; version: string; previousVersion: string }) =>
    `${one.type} ${one.version}, before it "${one.previousVersion}"`;
  throw new NotMet(capability ? describe(seen) : 'no capability', describe({ type, version, previousVersion }));
}

/** Waits for the first call with a version. */
async function first(
  resource: { calls(): ReceivedCall[] },
  field: 'version' | 'previousVersion',
  value: string,
  { times }: ControllerUnderTest,
): Promise<ReceivedCall> {
  const found = await eventually(
    () => resource.calls().find(({ capability }) => capability?.[field] === value),
    times.call,
  );
  if (found) return found;
  throw new NotMet(`no call in ${times.call / 1_000} s`, `a call with the ${field} ${value}`);
}
