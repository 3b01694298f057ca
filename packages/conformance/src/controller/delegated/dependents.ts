import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { DependentPolicy, formatJson } from '@kplug/protocol';
import { eventually } from '../../eventually.ts';
import type { ControllerTimes } from '../../options.ts';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import type { DelegatedResources } from './delegated-resources.ts';
import { conditionsOf, requireRefused } from './read-status.ts';
import type { ReceivedCall } from './scripted-plugin.ts';
import type { Answer } from './v1-plugin.ts';

const encoder = new TextEncoder();

const encode = (manifest: object) => encoder.encode(formatJson(manifest));

/** Dependents that a controller must refuse, each with a mark and a description. */
const refused: readonly [string, string, Answer['dependents'] & {}][] = [
  [
    'c36',
    'a dependent of a kind that is not allowed',
    {
      items: [encode({ apiVersion: 'conformance.example.org/v1', kind: 'NeverAllowed', metadata: { name: 'one' } })],
    },
  ],
  ['c36-rules', 'rules of a dependent that it does not request', { items: [], rules: { 'ConfigMap/missing': {} } }],
  [
    'c36-cycle',
    'dependents that depend on each other in a cycle',
    {
      items: ['c36-a', 'c36-b'].map((name) => encode(configMap(name))),
      rules: {
        'ConfigMap/c36-a': { dependsOn: ['ConfigMap/c36-b'] },
        'ConfigMap/c36-b': { dependsOn: ['ConfigMap/c36-a'] },
      },
    },
  ],
  [
    'c36-expression',
    'an expression that is not CEL',
    { items: [encode(configMap('c36-c'))], rules: { 'ConfigMap/c36-c': { readyWhen: 'self.spec ==' } } },
  ],
];

/** Requirements on the processing of dependents. */
export const dependentRequirements: readonly Requirement<ControllerUnderTest>[] = [
  ...refused.map(
    ([mark, description, dependents]): Requirement<ControllerUnderTest> => ({
      number: 'C36',
      level: 'MUST',
      title: `rejects a whole response with ${description}`,
      check: async ({ delegated, times }) => {
        const plugin = await delegated.v1('unary');
        const baseStatus = encode({ refused: `${mark}.` });
        await using resource = await delegated.delegate(plugin, mark, (_, index) =>
          index === 0 ? { baseStatus, dependents } : undefined,
        );
        await resource.call(0);
        return await requireRefused(resource, `${mark}.`, times.retry);
      },
    }),
  ),
  {
    number: 'C42',
    level: 'MUST',
    title: 'applies a dependent only when those that it depends on are ready',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c42', times, ['first', 'second', 'third']);
      const [first = '', second = '', third = ''] = suite.names;
      await suite.answer(
        suite.names.map((name) => configMap(name)),
        {
          [`ConfigMap/${second}`]: { dependsOn: [`ConfigMap/${first}`], readyWhen: 'false' },
          [`ConfigMap/${third}`]: { dependsOn: [`ConfigMap/${second}`] },
        },
      );
      await suite.seen((found) => found.has(second), 'the second dependent');
      const later = await suite.next();
      if (later.has(third))
        throw new NotMet('the third dependent', 'only the first and the second one, as that is not ready');
      return undefined;
    },
  },
  {
    number: 'C42',
    level: 'SHOULD',
    title: 'reports which dependent is not ready',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c42-report', times, ['stuck']);
      const [name = ''] = suite.names;
      await suite.answer([configMap(name)], { [`ConfigMap/${name}`]: { readyWhen: 'false' } });
      await suite.seen((found) => found.has(name), 'the dependent');
      const isReported = () =>
        suite.resource
          .calls()
          .flatMap(({ base }) => conditionsOf(base))
          .find(({ status, message }) => status !== 'True' && message?.includes(name));
      const reported = await eventually(isReported, times.call);
      if (!reported) throw new NotMet('no condition that names it', `a condition of the base that names ${name}`);
      return `${reported.reason}: ${reported.message}`;
    },
  },
  {
    number: 'C42',
    level: 'MUST',
    title: 'changes a dependent, but none with the policy CREATE_ONLY',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c42-policy', times, ['created', 'applied']);
      const [created = '', applied = ''] = suite.names;
      const rules = { [`ConfigMap/${created}`]: { policy: DependentPolicy.CREATE_ONLY } };
      await suite.answer([configMap(created, 'one'), configMap(applied, 'one')], rules);
      await suite.seen((found) => found.has(applied), 'both dependents');
      await suite.answer([configMap(created, 'two'), configMap(applied, 'two')], rules);
      const found = await suite.seen((now) => now.get(applied) === 'two', 'the changed dependent');
      if (found.get(created) !== 'one') throw new NotMet('the dependent with CREATE_ONLY changed', 'it stays as it is');
      return undefined;
    },
  },
  {
    number: 'C42',
    level: 'MUST',
    title: 'deletes a dependent while its include_when is false, after those that depend on it',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c42-include', times, ['optional', 'after']);
      const [optional = '', after = ''] = suite.names;
      await suite.answer([configMap(optional), configMap(after)], {
        [`ConfigMap/${optional}`]: { includeWhen: '!has(base.spec.withdrawn)' },
        [`ConfigMap/${after}`]: { dependsOn: [`ConfigMap/${optional}`] },
      });
      await suite.seen((found) => found.has(after), 'both dependents');
      await suite.resource.replace((base) => ({ ...base, spec: { ...base.spec, withdrawn: true } }));
      await suite.seen((found) => found.size === 0, 'no dependent');
      suite.requireOrder(optional, after);
      return undefined;
    },
  },
  {
    number: 'C50',
    level: 'MUST',
    title: 'takes a dependent for ready when its expression is true, and not when that fails or gives no boolean',
    check: async ({ delegated, times }) => {
      const suffixes = ['true', 'after-true', 'failing', 'after-failing', 'text', 'after-text'];
      await using suite = await withDependents(delegated, 'c50', times, suffixes);
      const expressions = ["self.data.value == 'one'", '', 'self.missing.field', '', 'self.metadata.name', ''];
      const rules = suite.names.map((name, index) => {
        const dependsOn = index % 2 === 1 ? [`ConfigMap/${suite.names[index - 1]}`] : [];
        return [`ConfigMap/${name}`, { dependsOn, readyWhen: expressions[index] ?? '' }] as const;
      });
      await suite.answer(
        suite.names.map((name) => configMap(name)),
        Object.fromEntries(rules),
      );
      const [, ready = '', failing = '', afterFailing, text = '', afterText] = suite.names;
      await suite.seen(
        (found) => [ready, failing, text].every((name) => found.has(name)),
        'the dependents that are not blocked',
      );
      const later = await suite.next();
      const early = [afterFailing, afterText].find((name) => name !== undefined && later.has(name));
      if (early) throw new NotMet(`the dependent ${early}`, 'not that one, as the one before it is not ready');
      return undefined;
    },
  },
  {
    number: 'C50',
    level: 'SHOULD',
    title: 'reports a dependent that does not become ready in time, and observes it nevertheless',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c50-time', times, ['late', 'next']);
      const [late = '', next = ''] = suite.names;
      const rules = (readyWhen: string, time?: number) => ({
        [`ConfigMap/${late}`]: { readyWhen, ...(time && { readyTimeout: durationFromMs(time) }) },
        [`ConfigMap/${next}`]: { dependsOn: [`ConfigMap/${late}`] },
      });
      await suite.answer([configMap(late), configMap(next)], rules('false'));
      await suite.seen((found) => found.has(late), 'the dependent');
      const reasons = () =>
        suite.resource
          .calls()
          .flatMap(({ base }) => conditionsOf(base))
          .filter(({ status, message }) => status !== 'True' && message?.includes(late))
          .map(({ reason }) => reason);
      const before = await eventually(() => reasons()[0], times.call);
      await suite.answer([configMap(late), configMap(next)], rules('false', times.settle));
      const own = await eventually(() => reasons().find((reason) => reason !== before), times.call);
      if (!own)
        throw new NotMet(
          `the reasons ${[...new Set(reasons())].join(', ') || 'none'}`,
          'another reason after the time',
        );
      await suite.answer([configMap(late), configMap(next)], rules('true'));
      await suite.seen((found) => found.has(next), 'the dependent that waited for it');
      return own;
    },
  },
  {
    number: 'C46',
    level: 'MUST',
    title: 'deletes dependents that are no longer listed, in reverse order, and none for an answer without dependents',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c46', times, ['first', 'second']);
      const [first = '', second = ''] = suite.names;
      await suite.answer([configMap(first), configMap(second)]);
      await suite.seen((found) => found.has(second), 'both dependents');
      await suite.answer(undefined);
      const later = await suite.next();
      if (later.size !== 2) throw new NotMet(`${later.size} dependents after an answer without dependents`, 'both');
      await suite.answer([]);
      await suite.seen((found) => found.size === 0, 'no dependent');
      suite.requireOrder(first, second);
      return undefined;
    },
  },
  {
    number: 'C46',
    level: 'MUST',
    title: 'releases a dependent with retain instead of deleting it, and lets the base own it again',
    check: async ({ delegated, times }) => {
      await using suite = await withDependents(delegated, 'c46-retain', times, ['kept']);
      const [kept = ''] = suite.names;
      const rules = { [`ConfigMap/${kept}`]: { policy: DependentPolicy.CREATE_ONLY, retain: true } };
      await suite.answer([configMap(kept, 'one')], rules);
      await suite.seen((found) => found.has(kept), 'the dependent');
      await suite.answer([]);
      await suite.seen((found) => found.size === 0, 'no dependent');
      await suite.answer([configMap(kept, 'two')], rules);
      const found = await suite.seen((now) => now.has(kept), 'the dependent again');
      // Without `retain`, it is deleted.
      await suite.answer([configMap(kept, 'two')], { [`ConfigMap/${kept}`]: { policy: DependentPolicy.CREATE_ONLY } });
      await suite.next();
      await suite.answer([]);
      await suite.seen((now) => now.size === 0, 'no dependent');
      if (found.get(kept) !== 'one') throw new NotMet('a new dependent', 'the one that was released');
      return undefined;
    },
  },
];

type Rules = (Answer['dependents'] & {})['rules'];

function configMap(name: string, value = 'one'): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } };
}

/** Delegates a base whose dependents change from answer to answer. Calls are made again and again, with the dependents as they are. */
async function withDependents(
  delegated: DelegatedResources,
  suffix: string,
  { settle, call: timeout }: ControllerTimes,
  parts: readonly string[],
) {
  const plugin = await delegated.v1('unary');
  const names = parts.map((part) => `${delegated.nameOf(suffix)}-${part}`);
  let dependents: Answer['dependents'];
  const answer = (): Answer => ({ requeueAfter: durationFromMs(settle), ...(dependents && { dependents }) });
  const resource = await delegated.delegate(plugin, suffix, answer);
  /** Values of the dependents in a call, by name. */
  const foundIn = (call: ReceivedCall) =>
    new Map(call.dependents.map((one) => [one.metadata.name, (one as { data?: { value?: string } }).data?.value]));
  let isAllowed = false;
  return {
    names,
    resource,
    /** Sets the dependents of later answers; `undefined` for none in the answer. */
    answer: async (items: readonly object[] | undefined, rules: Rules = {}) => {
      dependents = items && { items: items.map(encode), rules };
      // Faster than the next call that the previous answer requested.
      await resource.change();
    },
    /** Waits for a call with certain dependents. */
    seen: async (isMet: (found: ReturnType<typeof foundIn>) => boolean, expected: string) => {
      const start = resource.calls().length;
      const found = await eventually(
        () =>
          resource
            .calls()
            .slice(start)
            .map(foundIn)
            .find((one) => isMet(one)),
        timeout,
      );
      isAllowed ||= resource.calls().some((call) => call.dependents.length > 0);
      if (resource.calls().length === 0) await resource.call(0);
      if (!isAllowed) throw new NotTried('the delegation does not allow ConfigMap (v1); list it in dependents.kinds');
      if (!found) throw new NotMet(`${expected} in no call in ${timeout / 1_000} s`, expected);
      return found;
    },
    /** Returns the dependents of a call that follows the current answer. */
    next: async () => {
      // The next call may have been in flight before the answer was set.
      return foundIn(await resource.call(resource.calls().length + 2));
    },
    /** Requires that no call had a dependent without the one that it depends on. */
    requireOrder: (first: string, second: string) => {
      const isWrong = resource
        .calls()
        .map(foundIn)
        .some((found) => found.has(second) && !found.has(first));
      if (isWrong) throw new NotMet(`${second} without ${first}`, `${second} is deleted first`);
    },
    [Symbol.asyncDispose]: () => resource[Symbol.asyncDispose](),
  };
}
