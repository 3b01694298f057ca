import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { formatJson, serviceError } from '@kplug/protocol';
import { parseDocument } from 'yaml';
import { eventually } from '../../eventually.ts';
import { NotMet, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { requireV0Accepted } from '../v0-heartbeats.ts';
import { type DelegatedBase, statusOf } from './delegated-resources.ts';
import { requireRefused } from './read-status.ts';
import { isFinalizing } from './scripted-plugin.ts';
import type { Returned, V0Plugin } from './v0-plugin.ts';

/** Finding on a controller that does not finalize. Some operators hold deletions of most of their resources. */
const noDelete = 'no delete; if the operator holds deletions, start it with --max-deletions 100%';

/** Scalars that YAML 1.1 and 1.2 parse differently when they are not quoted. */
const ambiguous: Record<string, string> = Object.fromEntries(
  ['no', 'on', '~', '012', '0o12', '1:30', '1_000', '2001-01-01', '.5', '1e3', '=', '<<', 'a: b', '# c', ''].map(
    (text, index) => [`conformance.kplug.dev/${index}`, text],
  ),
);

/** Size of YAML that a controller should reject, in characters. */
const oversize = 3 * 1024 * 1024;

/** Invalid answers, with the level of their requirement. */
const invalid: readonly ['MUST' | 'SHOULD', string, string, (refused: string, keys: readonly string[]) => Returned][] =
  [
    [
      'MUST',
      'key',
      'for a key that was not sent',
      (refused) => ({ base: refused, references: { 'example.org/v1/Other/default/other': '{}' } }),
    ],
    ['MUST', 'list', 'that is not a mapping', (refused, keys) => ({ base: '- 1', references: withAll(keys, refused) })],
    ['MUST', 'yaml', 'that is not YAML', (refused, keys) => ({ base: 'a: [', references: withAll(keys, refused) })],
    ['SHOULD', 'large', 'of 3 MiB', (refused) => ({ base: `${refused}\na: "${'x'.repeat(oversize)}"` })],
  ];

/** Requirements on the calls of plugins of the first Kplug's protocol, and on the processing of their answers. */
export const v0CallRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C22',
    level: 'MUST',
    title: 'calls create until it has succeeded, create or update from then on, and delete to finalize',
    check: async (controller) => {
      await using resource = await delegate(controller, 'c22', (_, index) => {
        if (index === 0) throw serviceError(grpc.status.ABORTED, 'deliberate first failure');
        return {};
      });
      await resource.call(1, 'create after a failed create');
      await settled(controller, resource, 2);
      await resource.change();
      await resource.call(2, 'create or update after a change');
      await settled(controller, resource, 3);
      await resource.change();
      await resource.call(3, 'create or update after a change');
      await resource.delete(0);
      const methods = resource.calls().map(({ method }) => method);
      // The controller discards the answer of a create if the resource changed in the meantime, and calls create again.
      if (/^create( create)+( update)*( delete)+$/.test(methods.join(' '))) return methods.join(', ');
      if (!methods.includes('delete')) throw new NotMet(`${methods.join(', ')}, ${noDelete}`, 'a delete');
      throw new NotMet(methods.join(', '), 'create, create, update or create, update or create, delete');
    },
  },
  {
    number: 'C23',
    level: 'MUST',
    title: 'sends each resource whole, as YAML that means the same in versions 1.1 and 1.2',
    check: async (controller) => {
      const plugin = await v0PluginOf(controller);
      const { delegated } = controller;
      await using resource = await delegated.delegate(
        plugin,
        'c23',
        () => ({}),
        (base) => ({
          ...base,
          metadata: { ...base.metadata, annotations: { ...base.metadata.annotations, ...ambiguous } },
        }),
      );
      const { base, texts, extensions } = await resource.call(0);
      for (const text of texts) requireUnambiguous(text);
      const { annotations = {}, uid } = base.metadata;
      const lost = Object.entries(ambiguous).filter(([key, text]) => annotations[key] !== text);
      if (lost.length > 0)
        throw new NotMet(`changed annotations: ${lost.map(([, text]) => `"${text}"`)}`, 'unchanged annotations');
      if (!base.apiVersion || !base.kind || !uid) throw new NotMet('a base without kind or uid', 'the whole base');
      const misnamed = Object.entries(extensions).filter(([key, { apiVersion, kind, metadata }]) => {
        const group = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
        return key !== `${group}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
      });
      if (misnamed.length > 0) throw new NotMet(`${misnamed[0]?.[0]}`, 'group/version/kind/namespace/name');
      if (Object.keys(extensions).length < delegated.extensions.length)
        throw new NotMet('missing references', 'all references');
      return undefined;
    },
  },
  {
    number: 'C24',
    level: 'MUST',
    title: 'merges returned statuses, and keeps a status for which nothing is returned',
    check: async (controller) => {
      const returned = ['kept: { a: 1 }\ngone: 1\n', 'kept: { b: 2 }\ngone: null\n', '', '{}', '{}'];
      await using resource = await delegate(controller, 'c24', (_, index) => ({ base: returned[index] ?? '{}' }));
      for (const index of returned.keys()) {
        const { base } = await resource.call(index);
        const { kept, gone } = statusOf(base);
        const expected = [undefined, { a: 1 }, { a: 1, b: 2 }][Math.min(index, 2)];
        if (!isDeepStrictEqual(kept, expected)) {
          throw new NotMet(`${formatJson(kept)} after ${index} answers`, formatJson(expected));
        }
        if (gone !== (index === 1 ? 1 : undefined))
          throw new NotMet(`${formatJson(gone)}`, 'a field that null removes');
        await settled(controller, resource, index + 1);
        await resource.change();
      }
      return undefined;
    },
  },
  ...invalid.map(
    ([level, mark, description, returned]): Requirement<ControllerUnderTest> => ({
      number: 'C25',
      level,
      title: `rejects a whole answer ${description}`,
      check: async (controller) => {
        await using resource = await delegate(controller, `c25-${mark}`, ({ extensions }, index) =>
          index === 0 ? returned(`refused: ${mark}.`, Object.keys(extensions)) : {},
        );
        await resource.call(0);
        return await requireRefused(resource, `${mark}.`, controller.times.retry);
      },
    }),
  ),
  {
    number: 'C26',
    level: 'MUST',
    title: 'retries a failed delete, and accepts a delete that only lacks its answer',
    check: async (controller) => {
      const locked = serviceError(grpc.status.INTERNAL, 'deliberate failure: the table is locked');
      await using failing = await delegate(controller, 'c26', ({ method }, index) => {
        if (isFinalizing(method) && index === 0) throw locked;
        return {};
      });
      await failing.call(0);
      await settled(controller, failing, 1);
      const [first, second] = [await failing.delete(0), await failing.delete(1)];
      if (!first) throw new NotMet(noDelete, 'a delete');
      if (!second) throw new NotMet('no delete after a delete that failed with INTERNAL', 'a retry');
      await using unanswered = await delegate(controller, 'c26-unanswered', ({ method }) => {
        if (isFinalizing(method)) throw serviceError(grpc.status.INTERNAL, 'Failed to serialize response!');
        return {};
      });
      await unanswered.call(0);
      await settled(controller, unanswered, 1);
      if (!(await unanswered.delete(0))) throw new NotMet(noDelete, 'a delete');
      const deleted = () => unanswered.calls().filter(({ method }) => isFinalizing(method));
      await eventually(() => deleted()[1], Math.max(controller.times.quiet, 3 * (second.at - first.at)));
      if (deleted().length > 1) throw new NotMet('another delete', 'no further delete');
      return 'the Warning Event about the missing answer is not checked';
    },
  },
  {
    number: 'C27',
    level: 'MUST',
    title: 'calls nothing of such a plugin but create, update, delete and its health',
    check: async (controller) => {
      const plugin = await v0PluginOf(controller);
      await using resource = await delegate(controller, 'c27', () => ({}));
      await resource.call(0);
      if (plugin.otherCalls.length > 0) throw new NotMet(plugin.otherCalls.join(', '), 'no other call');
      return `in ${plugin.calls.length} calls`;
    },
  },
];

async function v0PluginOf(controller: ControllerUnderTest): Promise<V0Plugin> {
  // Missing options are reported first, as the user can fix them.
  const { delegated } = controller;
  await requireV0Accepted(controller);
  return delegated.v0();
}

async function delegate(
  controller: ControllerUnderTest,
  mark: string,
  script: Parameters<typeof controller.delegated.delegate<Returned>>[2],
): Promise<DelegatedBase> {
  return controller.delegated.delegate(await v0PluginOf(controller), mark, script);
}

/** Waits until a number of calls have been answered and the controller had time to write the results. */
async function settled({ times }: ControllerUnderTest, resource: DelegatedBase, count: number): Promise<void> {
  const answered = () => resource.calls().filter(({ endedAt }) => endedAt !== undefined).length;
  await eventually(() => answered() >= count, times.answer);
  await delay(times.settle);
}

function requireUnambiguous(text: string): void {
  const [as11, as12] = (['1.1', '1.2'] as const).map((version) => {
    const document = parseDocument(text, { version, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) throw new NotMet(`invalid YAML ${version}: ${fault.message}`, 'one YAML document');
    return document.toJS() as unknown;
  });
  if (!isDeepStrictEqual(as11, as12))
    throw new NotMet('YAML that versions 1.1 and 1.2 parse differently', 'the same value in both');
}

function withAll(keys: readonly string[], yaml: string): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, yaml]));
}
