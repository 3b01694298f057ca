import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';

const hour = 3_600_000;

/** Requirements on answers that hold for a time. */
export const validityRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C43',
    level: 'MUST',
    title: 'makes the call that an answer requests, and one for a changed resource, although the answer holds',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      const validFor = durationFromMs(hour);
      await using resource = await delegated.delegate(plugin, 'c43', (_, index) =>
        index === 0 ? { validFor, requeueAfter: durationFromMs(times.settle) } : { validFor },
      );
      await resource.call(0);
      await resource.call(1, 'a call after requeue_after');
      await resource.change();
      await resource.call(2, 'a call for the changed resource');
      return undefined;
    },
  },
];
