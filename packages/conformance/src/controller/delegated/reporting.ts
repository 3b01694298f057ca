import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { keyOf, type Manifest } from '@kplug/controller';
import { ConditionStatus, Outcome } from '@kplug/protocol';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import { until } from '../../until.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { statusOf } from './delegated-trial.ts';
import { type Condition, conditionsOf, demandRefused } from './read-status.ts';
import type { Answer } from './v1-plugin.ts';

const encoder = new TextEncoder();

/** How long nothing may happen after a write of the controller's own, in milliseconds. */
const quietTime = 1_500;

/** Answers that must be refused, by the requirement on plugins that they break. */
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
    'whose status is no object',
    (refused, keys) => ({
      baseStatus: encoder.encode('[1]'),
      extensionStatuses: Object.fromEntries(keys.map((key) => [key, refused])),
    }),
  ],
  [
    'p22',
    'with a status of something that was not sent',
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

/** What is required of what a controller makes of answers. */
export const reporting: readonly Requirement<ControllerUnderTest>[] = [
  ...invalid.map(
    ([mark, what, answer]): Requirement<ControllerUnderTest> => ({
      number: 'C12',
      level: 'MUST',
      title: `refuses a response ${what} whole, and tells the user why`,
      check: async ({ delegated }) => {
        const plugin = await delegated.today('unary');
        // Extensions are the same for all, so each answer has a mark of its own.
        const refused = encoder.encode(JSON.stringify({ refused: `${mark}.` }));
        await using handed = await delegated.hand(plugin, `c12-${mark}`, ({ extensions }, index) =>
          index === 0 ? answer(refused, Object.keys(extensions)) : undefined,
        );
        await handed.call(0);
        return await demandRefused(handed, `${mark}.`);
      },
    }),
  ),
  {
    number: 'C36',
    level: 'MUST',
    title: 'refuses a response whole that wants a dependent of a kind that is not allowed',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      const refused = encoder.encode(JSON.stringify({ refused: 'c36.' }));
      const wanted = { apiVersion: 'conformance.example.org/v1', kind: 'NeverAllowed', metadata: { name: 'one' } };
      const dependents = { items: [encoder.encode(JSON.stringify(wanted))] };
      await using handed = await delegated.hand(plugin, 'c36', (_, index) =>
        index === 0 ? { baseStatus: refused, dependents } : undefined,
      );
      await handed.call(0);
      return await demandRefused(handed, 'c36.');
    },
  },
  {
    number: 'C13',
    level: 'MUST',
    title: 'throws away a response for a generation that is no longer the present one',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      const changed = Promise.withResolvers<void>();
      await using handed = await delegated.hand(plugin, 'c13', async (_, index) => {
        if (index > 0) return { baseStatus: encoder.encode('{"present":true}') };
        await changed.promise;
        return { baseStatus: encoder.encode('{"outdated":true}') };
      });
      const first = await handed.call(0);
      await handed.change();
      // The controller has to see it before the answer comes.
      await until(() => undefined, quietTime);
      changed.resolve();
      const second = await handed.call(1);
      if (second.base.metadata.generation === first.base.metadata.generation) {
        throw new NotTried('a change of its spec makes no new generation');
      }
      if ('outdated' in statusOf(second.base)) throw new NotMet('its status in the next call', 'none of it');
      return undefined;
    },
  },
  { number: 'C14', level: 'MUST', title: 'writes a status of nothing but what it sent', check: checkBystander },
  {
    number: 'C15',
    level: 'MUST',
    title: 'writes no status that would change nothing, and is not led to calls by its own writes',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      const steady = { baseStatus: encoder.encode('{"steady":true}') };
      await using handed = await delegated.hand(plugin, 'c15', (_, index) =>
        index < 2 ? { ...steady, requeueAfter: durationFromMs(500) } : steady,
      );
      const second = await handed.call(1);
      const third = await handed.call(2);
      if (!('steady' in statusOf(second.base))) throw new NotMet('a call without the status before it', 'the status');
      const versions = [second, third].map(({ base }) => base.metadata.resourceVersion);
      if (versions[0] !== versions[1]) {
        throw new NotMet(`the resourceVersion ${versions.join(', then ')}`, 'the same, as nothing had changed');
      }
      await until(() => handed.calls()[3], quietTime);
      const count = handed.calls().length;
      if (count > 3) throw new NotMet(`${count} calls`, 'the three that were asked for');
      return undefined;
    },
  },
  {
    number: 'C16',
    level: 'MUST',
    title: 'says which plugin was chosen and why, and for which generation',
    check: async ({ delegated }) => {
      const plugin = await delegated.today('unary');
      await using handed = await delegated.hand(plugin, 'c16', (_, index) =>
        index === 0 ? { requeueAfter: durationFromMs(500) } : undefined,
      );
      const { base } = await handed.call(1);
      const { implementation, plugin: named } = statusOf(base);
      if (!JSON.stringify([implementation, named]).includes('Conformance')) {
        throw new NotMet(`implementation ${implementation}, plugin ${JSON.stringify(named)}`, 'Conformance, as chosen');
      }
      const chosen = conditionsOf(base).find(({ type }) => type === 'PluginSelected');
      if (!chosen?.reason) throw new NotMet('no condition PluginSelected with a reason', 'why it was chosen');
      const { generation } = base.metadata;
      const observed = [chosen, ...conditionsOf(base)].map(({ observedGeneration }) => observedGeneration);
      if (!observed.includes(generation))
        throw new NotMet(`no observedGeneration ${generation}`, 'for which generation');
      return describe(chosen);
    },
  },
];

/** Something that isn't sent gets no status, whatever a plugin returns; seen by a base that points to it later. */
async function checkBystander({ delegated }: ControllerUnderTest): Promise<undefined> {
  const plugin = await delegated.today('unary');
  const bystander = await delegated.bystander('bystander');
  const [extension] = delegated.extensions;
  const touched = encoder.encode('{"touched":true}');
  await using pointing = await delegated.hand(plugin, 'c14', ({ base }, index) => {
    const key = keyOf({ ...bystander, metadata: { ...base.metadata, ...bystander.metadata } });
    return index === 0 ? { extensionStatuses: { [key]: touched } } : undefined;
  });
  await pointing.call(1);
  const point = (base: Manifest): Manifest => ({
    ...base,
    spec: JSON.parse(JSON.stringify(base.spec ?? {}), (_, value) => {
      const isReference = value?.kind === extension?.kind && value?.name === extension?.metadata.name;
      return isReference ? { ...value, name: bystander.metadata.name } : value;
    }),
  });
  await using later = await delegated.hand(plugin, 'c14-later', () => undefined, point);
  const sent = Object.values((await later.call(0)).extensions).find(
    ({ metadata }) => metadata.name === bystander.metadata.name,
  );
  if (!sent) throw new NotTried('the base does not point to its extensions by kind and name');
  if ('touched' in statusOf(sent)) throw new NotMet('a status of an extension that was not sent', 'none');
  return undefined;
}

function describe({ status, reason, message }: Condition): string {
  return `${status} ${reason}: ${message}`;
}

function condition(type: string) {
  return { type, status: ConditionStatus.TRUE, reason: 'Conformance' };
}
