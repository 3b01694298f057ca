import * as grpc from '@grpc/grpc-js';
import { type Level, NotMet, NotTried, type Requirement } from './requirement.ts';

interface Called {
  /** How long a call was given, in milliseconds. */
  timeout: number;
  calls: readonly { method: string; error?: grpc.ServiceError }[];
}

/** That no call ran into its deadline, of whichever protocol it was. */
export function answersInTime(number: string, level: Level): Requirement<Called> {
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
