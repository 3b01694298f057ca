import { NotMet } from '../../requirement.js';
import { until } from '../../until.js';
import { statusOf } from './delegated-trial.js';

/** How long a controller may wait before it tries again, in milliseconds, until its resource is changed. */
const retryTime = 10_000;
export function conditionsOf(base) {
  const { conditions } = statusOf(base);
  return Array.isArray(conditions) ? conditions : [];
}
/**
 * After an answer that is to be refused, which has a field `refused` with a mark in each status, nothing of it is written by the
 * next call, and the user is told why.
 */
export async function demandRefused(handed, mark) {
  // One that took the answer for a success has no reason to call again.
  if (!(await until(() => handed.calls()[1], retryTime))) await handed.change();
  const { base, extensions } = await handed.call(1);
  const [written] = [base, ...Object.values(extensions)].filter((one) =>
    String(statusOf(one).refused).startsWith(mark),
  );
  if (written) throw new NotMet(`the status of ${written.kind} ${written.metadata.name} has it`, 'nothing of it');
  const told = conditionsOf(base).find(({ status, message }) => status === 'False' && message);
  if (told) return `${told.reason}: ${told.message}`;
  throw new NotMet('no condition that is False and has a message', 'why it was refused');
}
//# sourceMappingURL=read-status.js.map
