import { setTimeout as delay } from 'node:timers/promises';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type JsonObject, type JsonValue, keyOf } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import { isJsonObject } from '@kplug/controller/tools';
import { ConditionStatus, formatJson, Outcome } from '@kplug/protocol';
import { eventually } from '../../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { statusOf } from './delegated-resources.ts';
import { type Condition, conditionsOf, requireRefused } from './read-status.ts';
import type { Answer } from './v1-plugin.ts';

const encoder = new TextEncoder();

/** Invalid answers, by the requirement on plugins that they violate. */
const invalid: readonly [string, string, (refused: Uint8Array, keys: readonly string[]) => Answer][] = [
  ['p18', 'without an outcome', (refused) => ({ outcome: Outcome.UNSPECIFIED, baseStatus: refused })],
  [
    'p21',
    'whose status has a forbidden key',
    (refused, keys) => ({
      baseStatus: encoder.encode(`{"a":{"__proto__":{}},${new TextDecoder().decode(refused).slice(1)}`),
      extensionStatuses: Object.fromEntries(keys.map((key) => [key, refused])),
    }),
  ],
  [
    'p21-list',
    'whose status is not an object',
    (refused, keys) => ({
      baseStatus: encoder.encode('[1]'),
      extensionStatuses: Object.fromEntries(keys.map((key) => [key, refused])),
    }),
  ],
  [
    'p22',
    'with the status of a resource that was not sent',
    (refused) => ({ baseStatus: refused, extensionStatuses: { 'example.org/v1/Other/default/other': refused } }),
  ],
  [
    'p23',
    "with one of the controller's conditions",
    (refused) => ({ baseStatus: refused, conditions: [condition('Ready')] }),
  ],
  [
    'p26',
    'with 65 conditions',
    (refused) => ({
      baseStatus: refused,
      conditions: Array.from({ length: 65 }, (_, index) => condition(`Conformance${index}`)),
    }),
  ],
];

/** Requirements on the processing of answers. */
export const statusRequirements: readonly Requirement<ControllerUnderTest>[] = [
  ...invalid.map(
    ([mark, description, answer]): Requirement<ControllerUnderTest> => ({
      number: 'C12',
      level: 'MUST',
      title: `rejects a whole response ${description}, and reports why`,
      check: async ({ delegated, times }) => {
        const plugin = await delegated.v1('unary');
        // All checks share the extensions, so each answer has its own mark.
        const refused = encoder.encode(formatJson({ refused: `${mark}.` }));
        await using resource = await delegated.delegate(plugin, `c12-${mark}`, ({ extensions }, index) =>
          index === 0 ? answer(refused, Object.keys(extensions)) : undefined,
        );
        await resource.call(0);
        return await requireRefused(resource, `${mark}.`, times.retry);
      },
    }),
  ),
  {
    number: 'C13',
    level: 'MUST',
    title: 'discards a response for an outdated generation',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      const changed = Promise.withResolvers<void>();
      await using resource = await delegated.delegate(plugin, 'c13', async (_, index) => {
        if (index > 0) return { baseStatus: encoder.encode('{"present":true}') };
        await changed.promise;
        return { baseStatus: encoder.encode('{"outdated":true}') };
      });
      const first = await resource.call(0);
      await resource.change();
      // The controller has to notice the change before the answer arrives: by then, it has called for a later resource.
      await using later = await delegated.delegate(plugin, 'c13-later', () => undefined);
      await later.call(0);
      await delay(times.settle);
      changed.resolve();
      const second = await resource.call(1);
      if (second.base.metadata.generation === first.base.metadata.generation) {
        throw new NotTried('a change of the spec did not change the generation');
      }
      if ('outdated' in statusOf(second.base)) throw new NotMet('its status in the next call', 'no part of it');
      return undefined;
    },
  },
  {
    number: 'C14',
    level: 'MUST',
    title: 'writes the status of no resource that it did not send',
    check: checkUnreferenced,
  },
  {
    number: 'C15',
    level: 'MUST',
    title: 'writes no unchanged status, and makes no call because of its own writes',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      const steady = { baseStatus: encoder.encode('{"steady":true}') };
      await using resource = await delegated.delegate(plugin, 'c15', (_, index) =>
        index < 2 ? { ...steady, requeueAfter: durationFromMs(times.settle) } : steady,
      );
      const second = await resource.call(1);
      const third = await resource.call(2);
      if (!('steady' in statusOf(second.base)))
        throw new NotMet('a call without the preceding status', 'the preceding status');
      const versions = [second, third].map(({ base }) => base.metadata.resourceVersion);
      if (versions[0] !== versions[1]) {
        throw new NotMet(
          `the resourceVersion ${versions.join(', then ')}`,
          'the same resourceVersion, as nothing changed',
        );
      }
      await eventually(() => resource.calls()[3], times.quiet);
      const count = resource.calls().length;
      if (count > 3) throw new NotMet(`${count} calls`, 'the three requested calls');
      return undefined;
    },
  },
  {
    number: 'C16',
    level: 'MUST',
    title: 'reports which plugin was chosen and why, and for which generation',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c16', (_, index) =>
        index === 0 ? { requeueAfter: durationFromMs(times.settle) } : undefined,
      );
      const { base } = await resource.call(1);
      const { implementation, plugin: named } = statusOf(base);
      if (!formatJson([implementation, named]).includes('Conformance')) {
        throw new NotMet(
          `implementation ${implementation}, plugin ${formatJson(named)}`,
          'the chosen plugin Conformance',
        );
      }
      const chosen = conditionsOf(base).find(({ type }) => type === 'PluginSelected');
      if (!chosen?.reason) throw new NotMet('no condition PluginSelected with a reason', 'the reason of the choice');
      const { generation } = base.metadata;
      const observed = [chosen, ...conditionsOf(base)].map(({ observedGeneration }) => observedGeneration);
      if (!observed.includes(generation))
        throw new NotMet(`no observedGeneration ${generation}`, 'the generation of the base');
      return describe(chosen);
    },
  },
];

/** Has a plugin return the status of an extension that was not sent. A later base references it and shows its status. */
async function checkUnreferenced({ delegated }: ControllerUnderTest): Promise<undefined> {
  const plugin = await delegated.v1('unary');
  const unreferenced = await delegated.applyUnreferenced('unreferenced');
  const [extension] = delegated.extensions;
  const touched = encoder.encode('{"touched":true}');
  await using first = await delegated.delegate(plugin, 'c14', ({ base }, index) => {
    const key = keyOf({ ...unreferenced, metadata: { ...base.metadata, ...unreferenced.metadata } });
    return index === 0 ? { extensionStatuses: { [key]: touched } } : undefined;
  });
  await first.call(1);
  const reference = (base: Manifest): Manifest => ({
    ...base,
    spec: mapObjects(base.spec ?? {}, (value) => {
      const isReference = value.kind === extension?.kind && value.name === extension?.metadata.name;
      return isReference ? { ...value, name: unreferenced.metadata.name } : value;
    }),
  });
  await using later = await delegated.delegate(plugin, 'c14-later', () => undefined, reference);
  const sent = Object.values((await later.call(0)).extensions).find(
    ({ metadata }) => metadata.name === unreferenced.metadata.name,
  );
  if (!sent) throw new NotTried('the base does not reference its extensions by kind and name');
  if ('touched' in statusOf(sent)) throw new NotMet('a status of an extension that was not sent', 'no status');
  return undefined;
}

/** Applies a change to an object and to the objects in it. */
function mapObjects(object: JsonObject, change: (object: JsonObject) => JsonObject): JsonObject {
  const mapValue = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(mapValue);
    return isJsonObject(value) ? mapObjects(value, change) : value;
  };
  const entries = Object.entries(change(object));
  return Object.fromEntries(entries.map(([key, value]) => [key, value === undefined ? value : mapValue(value)]));
}

function describe({ status, reason, message }: Condition): string {
  return `${status} ${reason}: ${message}`;
}

function condition(type: string) {
  return { type, status: ConditionStatus.TRUE, reason: 'Conformance' };
}
