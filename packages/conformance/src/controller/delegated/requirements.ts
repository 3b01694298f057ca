import { formatJson } from '@kplug/protocol';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { requireRefused } from './read-status.ts';

const encoder = new TextEncoder();

/** Requirements on further resources that plugins require. */
export const resourceRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C45',
    level: 'MUST',
    title: 'rejects a whole response that requires a resource of a kind that is not permitted',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      const baseStatus = encoder.encode(formatJson({ refused: 'c45.' }));
      const never = { apiVersion: 'conformance.example.org/v1', kind: 'NeverPermitted', name: 'one' };
      await using resource = await delegated.delegate(plugin, 'c45', (_, index) =>
        index === 0 ? { baseStatus, requirements: { never } } : undefined,
      );
      const { required } = await resource.call(0);
      if (!required) throw new NotTried(unsupported);
      return await requireRefused(resource, 'c45.', times.retry);
    },
  },
  {
    number: 'C45',
    level: 'MUST',
    title: 'calls again with what a plugin requires, says that it is missing, and brings it with later calls',
    check: async ({ delegated }) => {
      const plugin = await delegated.v1('unary');
      const name = `${delegated.nameOf('c45')}-missing`;
      const answer = { requirements: { map: { apiVersion: 'v1', kind: 'ConfigMap', name } } };
      await using resource = await delegated.delegate(plugin, 'c45-missing', () => answer);
      const first = await resource.call(0);
      if (!first.required) throw new NotTried(unsupported);
      const { required: second } = await resource.call(1);
      if (!second?.map) {
        throw new NotTried('the delegation does not permit ConfigMap (v1); list it in requirements.kinds');
      }
      if (second.map.length > 0) throw new NotMet('a resource that does not exist', 'an empty list');
      await resource.change();
      const { required: third } = await resource.call(2, 'a call for the changed resource');
      if (!third?.map) throw new NotMet('a call without the required resources', 'those of the last answer');
      return undefined;
    },
  },
];

const unsupported = 'the controller does not read requirements';
