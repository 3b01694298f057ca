import * as grpc from '@grpc/grpc-js';
import { type Level, NotMet, NotTried, type Requirement } from './requirement.ts';

interface CallLog {
  /** Deadline of each call, in milliseconds. */
  timeout: number;
  calls: readonly { method: string; error?: grpc.ServiceError }[];
}

/** Requirement that no call exceeds its deadline, for plugins of either protocol. */
export function answersInTime(number: string, level: Level): Requirement<CallLog> {
  return {
    number,
    level,
    title: 'answers before the deadline',
    check: async ({ calls, timeout }) => {
      if (calls.length === 0) throw new NotTried('no call was made');
      const late = calls.filter(({ error }) => error?.code === grpc.status.DEADLINE_EXCEEDED);
      const [first] = late;
      if (!first) return `${calls.length} calls, each answered within ${timeout} ms`;
      const seen = `${late.length} of ${calls.length} calls exceeded the deadline, the first of ${first.method}`;
      throw new NotMet(seen, `an answer within ${timeout} ms`);
    },
  };
}
