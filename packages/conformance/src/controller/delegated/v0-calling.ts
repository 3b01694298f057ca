import { isDeepStrictEqual } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';
import { parseDocument } from 'yaml';
import { NotMet, type Requirement } from '../../requirement.ts';
import { until } from '../../until.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { demandTaken } from '../v0-beating.ts';
import { type Handed, statusOf } from './delegated-trial.ts';
import { demandRefused } from './read-status.ts';
import { isUndoing } from './scripted-plugin.ts';
import type { Returned, V0Plugin } from './v0-plugin.ts';

/** What readers of YAML 1.1 and 1.2 take for different things where it stands without quotes. */
const ambiguous: Record<string, string> = Object.fromEntries(
  ['no', 'on', '~', '012', '0o12', '1:30', '1_000', '2001-01-01', '.5', '1e3', '=', '<<', 'a: b', '# c', ''].map(
    (text, index) => [`conformance.kplug.dev/${index}`, text],
  ),
);

/** More YAML than a controller should parse, in characters. */
const tooMuch = 3 * 1024 * 1024;

/** How long is waited at the least for a call that must not come, in milliseconds. */
const quietTime = 3_000;

/** Answers that must be refused, and how binding that is. */
const invalid: readonly ['MUST' | 'SHOULD', string, string, (refused: string, keys: readonly string[]) => Returned][] =
  [
    [
      'MUST',
      'key',
      'for a key that was not sent',
      (refused) => ({ base: refused, references: { 'example.org/v1/Other/default/other': '{}' } }),
    ],
    ['MUST', 'list', 'that is no mapping', (refused, keys) => ({ base: '- 1', references: withAll(keys, refused) })],
    ['MUST', 'yaml', 'that is no YAML', (refused, keys) => ({ base: 'a: [', references: withAll(keys, refused) })],
    ['SHOULD', 'large', 'of 3 MiB', (refused) => ({ base: `${refused}\na: "${'x'.repeat(tooMuch)}"` })],
  ];

/** What is required of the calls of plugins of the first Kplug's protocol, and of what becomes of their answers. */
export const v0Calling: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C22',
    level: 'MUST',
    title: 'calls create until it has succeeded, update from then on, and delete to finalize',
    check: async (controller) => {
      await using handed = await hand(controller, 'c22', (_, index) => {
        if (index === 0) throw serviceError(grpc.status.ABORTED, 'not yet, on purpose');
        return {};
      });
      await handed.call(1, 'create again after it failed');
      await settled(handed, 2);
      await handed.change();
      await handed.call(2, 'update after a change');
      await settled(handed, 3);
      await handed.change();
      await handed.call(3, 'update after a change');
      await handed.undone(0);
      const methods = handed.calls().map(({ method }) => method);
      // The answer of a create is lost where the resource was changed meanwhile.
      if (/^create( create)+( update)+( delete)+$/.test(methods.join(' '))) return methods.join(', ');
      throw new NotMet(methods.join(', '), 'create, create, update, update, delete');
    },
  },
  {
    number: 'C23',
    level: 'MUST',
    title: 'sends each resource whole, as YAML that readers of 1.1 and 1.2 understand alike',
    check: async (controller) => {
      const plugin = await playing(controller);
      const { delegated } = controller;
      await using handed = await delegated.hand(
        plugin,
        'c23',
        () => ({}),
        (base) => ({
          ...base,
          metadata: { ...base.metadata, annotations: { ...base.metadata.annotations, ...ambiguous } },
        }),
      );
      const { base, texts, extensions } = await handed.call(0);
      for (const text of texts) demandUnambiguous(text);
      const { annotations = {}, uid } = base.metadata;
      const lost = Object.entries(ambiguous).filter(([key, text]) => annotations[key] !== text);
      if (lost.length > 0) throw new NotMet(`annotations other than ${lost.map(([, text]) => `"${text}"`)}`, 'all');
      if (!base.apiVersion || !base.kind || !uid) throw new NotMet('a base without kind or uid', 'the whole base');
      const misnamed = Object.entries(extensions).filter(([key, { apiVersion, kind, metadata }]) => {
        const group = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
        return key !== `${group}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
      });
      if (misnamed.length > 0) throw new NotMet(`${misnamed[0]?.[0]}`, 'group/version/kind/namespace/name');
      if (Object.keys(extensions).length < delegated.extensions.length) throw new NotMet('too few references', 'all');
      return undefined;
    },
  },
  {
    number: 'C24',
    level: 'MUST',
    title: 'merges what is returned, and leaves a status alone for which nothing is',
    check: async (controller) => {
      const returned = ['kept: { a: 1 }\ngone: 1\n', 'kept: { b: 2 }\ngone: null\n', '', '{}', '{}'];
      await using handed = await hand(controller, 'c24', (_, index) => ({ base: returned[index] ?? '{}' }));
      for (const index of returned.keys()) {
        const { base } = await handed.call(index);
        const { kept, gone } = statusOf(base);
        const expected = [undefined, { a: 1 }, { a: 1, b: 2 }][Math.min(index, 2)];
        if (!isDeepStrictEqual(kept, expected)) {
          throw new NotMet(`${JSON.stringify(kept)} after ${index} answers`, JSON.stringify(expected));
        }
        if (gone !== (index === 1 ? 1 : undefined)) throw new NotMet(`${JSON.stringify(gone)}`, 'null to remove it');
        await settled(handed, index + 1);
        await handed.change();
      }
      return undefined;
    },
  },
  ...invalid.map(
    ([level, mark, what, returned]): Requirement<ControllerUnderTest> => ({
      number: 'C25',
      level,
      title: `refuses an answer ${what} whole`,
      check: async (controller) => {
        await using handed = await hand(controller, `c25-${mark}`, ({ extensions }, index) =>
          index === 0 ? returned(`refused: ${mark}.`, Object.keys(extensions)) : {},
        );
        await handed.call(0);
        return await demandRefused(handed, `${mark}.`);
      },
    }),
  ),
  {
    number: 'C26',
    level: 'MUST',
    title: 'tries a delete again that failed, and takes one as done that lacks only its answer',
    check: async (controller) => {
      const locked = serviceError(grpc.status.INTERNAL, 'the table is locked, on purpose');
      await using failing = await hand(controller, 'c26', ({ method }, index) => {
        if (isUndoing(method) && index === 0) throw locked;
        return {};
      });
      await failing.call(0);
      await settled(failing, 1);
      const [first, second] = [await failing.undone(0), await failing.undone(1)];
      if (!first) throw new NotMet('no delete', 'one');
      if (!second) throw new NotMet('no delete after one that failed with INTERNAL', 'another one');
      await using unanswered = await hand(controller, 'c26-unanswered', ({ method }) => {
        if (isUndoing(method)) throw serviceError(grpc.status.INTERNAL, 'Failed to serialize response!');
        return {};
      });
      await unanswered.call(0);
      await settled(unanswered, 1);
      if (!(await unanswered.undone(0))) throw new NotMet('no delete', 'one');
      const deleted = () => unanswered.calls().filter(({ method }) => isUndoing(method));
      await until(() => deleted()[1], Math.max(quietTime, 3 * (second.at - first.at)));
      if (deleted().length > 1) throw new NotMet('another delete after it', 'none: it is done');
      return 'whether a Warning Event says so is to be seen where its Events are';
    },
  },
  {
    number: 'C27',
    level: 'MUST',
    title: 'asks such a plugin for nothing but create, update, delete and its health',
    check: async (controller) => {
      const plugin = await playing(controller);
      await using handed = await hand(controller, 'c27', () => ({}));
      await handed.call(0);
      if (plugin.others.length > 0) throw new NotMet(plugin.others.join(', '), 'nothing else');
      return `in ${plugin.calls.length} calls`;
    },
  },
];

async function playing(controller: ControllerUnderTest): Promise<V0Plugin> {
  // What isn't delegated is the reason that can be mended.
  const { delegated } = controller;
  await demandTaken(controller);
  return delegated.v0();
}

async function hand(
  controller: ControllerUnderTest,
  mark: string,
  script: Parameters<typeof controller.delegated.hand<Returned>>[2],
): Promise<Handed> {
  return controller.delegated.hand(await playing(controller), mark, script);
}

/** Waits until so many calls have been answered, and what was returned has been written. */
async function settled(handed: Handed, count: number): Promise<void> {
  await until(() => handed.calls().filter(({ endedAt }) => endedAt !== undefined).length >= count || undefined, 5_000);
  await until(() => undefined, 500);
}

function demandUnambiguous(text: string): void {
  const [old, today] = (['1.1', '1.2'] as const).map((version) => {
    const document = parseDocument(text, { version, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) throw new NotMet(`YAML ${version} in which ${fault.message}`, 'one document of YAML');
    return document.toJS() as unknown;
  });
  if (!isDeepStrictEqual(old, today)) throw new NotMet('YAML that 1.1 reads otherwise than 1.2', 'the same in both');
}

function withAll(keys: readonly string[], yaml: string): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, yaml]));
}
