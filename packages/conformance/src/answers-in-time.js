import * as grpc from '@grpc/grpc-js';
import { NotMet, NotTried } from './requirement.js';
/** That no call ran into its deadline, of whichever protocol it was. */
export function answersInTime(number, level) {
  return {
    number,
    level,
    title: 'answers before the deadline',
    check: async ({ calls, timeout }) => {
      if (calls.length === 0) throw new NotTried('nothing was called');
      const late = calls.filter(({ error }) => error?.code === grpc.status.DEADLINE_EXCEEDED);
      const [first] = late;
      if (!first) return `${calls.length} calls, each in ${timeout} ms`;
      const seen = `${late.length} of ${calls.length} calls weren't, of ${first.method}`;
      throw new NotMet(seen, `an answer in ${timeout} ms`);
    },
  };
}
//# sourceMappingURL=answers-in-time.js.map
