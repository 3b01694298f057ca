import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { formatJson } from '@kplug/protocol';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { requireRefused } from './read-status.ts';
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
      const plugin = await delegated.v1('unary');
      const names = ['first', 'second', 'third'].map((name) => `${delegated.nameOf('c42')}-${name}`);
      const items = names.map((name) => encode({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }));
      const rules = {
        [`ConfigMap/${names[1]}`]: { dependsOn: [`ConfigMap/${names[0]}`], readyWhen: 'false' },
        [`ConfigMap/${names[2]}`]: { dependsOn: [`ConfigMap/${names[1]}`] },
      };
      const answer = { dependents: { items, rules }, requeueAfter: durationFromMs(times.settle) };
      await using resource = await delegated.delegate(plugin, 'c42', () => answer);
      const { dependents } = await resource.call(2);
      const found = names.filter((name) => dependents.some(({ metadata }) => metadata.name === name));
      if (found.length === 0) {
        throw new NotTried('the delegation does not allow ConfigMap (v1); list it in dependents.kinds');
      }
      if (found.join() !== names.slice(0, 2).join()) {
        throw new NotMet(
          `the dependents ${found.join(', ')}`,
          'the first and the second one, as the second is not ready',
        );
      }
      return undefined;
    },
  },
];
