import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Outcome } from '@kplug/protocol';
import { NotMet, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import type { ReceivedCall } from './scripted-plugin.ts';
import type { Answer } from './v1-plugin.ts';

const hour = 3_600_000;
const token = 'conformance-1';

/** Requirements on operations in progress. */
export const operationRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C44',
    level: 'MUST',
    title: 'brings the operation that a plugin has in progress until it is done, and says when it is no longer wanted',
    check: async ({ delegated, times }) => {
      const plugin = await delegated.v1('unary');
      const script: Answer[] = [
        running(10, times.settle),
        running(20, hour),
        { requeueAfter: durationFromMs(times.settle) },
      ];
      await using resource = await delegated.delegate(plugin, 'c44', (_, index) => script[index]);
      await resource.call(0);
      expectOperation(await resource.call(1, 'a call after retry_after'), { percentage: 10, cancelled: false });
      await resource.change();
      expectOperation(await resource.call(2), { percentage: 20, cancelled: true });
      const { operation } = await resource.call(3);
      if (operation) throw new NotMet('the operation in the call after SUCCESS', 'no operation');
      return undefined;
    },
  },
];

function running(percentage: number, after: number): Answer {
  const text = 'it is in progress';
  return {
    outcome: Outcome.RETRY,
    retryAfter: durationFromMs(after),
    progress: { percentage, token, message: text },
    messages: [{ reason: 'InProgress', text }],
  };
}

function expectOperation(
  { operation }: ReceivedCall,
  { percentage, cancelled }: { percentage: number; cancelled: boolean },
): void {
  if (operation?.progress?.token !== token || operation.progress.percentage !== percentage) {
    const seen = operation ? `the token "${operation.progress?.token}"` : 'no operation';
    throw new NotMet(seen, `the token "${token}", with ${percentage} %`);
  }
  if (operation.cancelled !== cancelled) throw new NotMet(`cancelled: ${operation.cancelled}`, `${cancelled}`);
}
