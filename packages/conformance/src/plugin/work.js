import { Outcome } from '@kplug/protocol';
import { differences } from '../differences.js';
import { NotMet, NotTried } from '../requirement.js';
import { until } from '../until.js';
import { describeAnswer, stateOf } from './describe-answer.js';
/** A stream of calls, and what came on it. */
export class WorkTrial {
  answers = [];
  #stream;
  #ending;
  /** Opens a stream. Throws `NotTried` when the plugin doesn't serve any. */
  constructor(plugin) {
    if (!plugin.info.servesWork) throw new NotTried("it doesn't say that it serves Work, which is optional");
    this.#stream = plugin.client.work();
    this.#stream.on('data', (answer) => this.answers.push(answer));
    this.#stream.on('end', () => {
      this.#ending ??= 'ended';
    });
    this.#stream.on('error', (error) => {
      this.#ending = describeAnswer(error);
    });
  }
  /** `ended` when the plugin ended it, the error when it broke, `undefined` while it is open. */
  get ending() {
    return this.#ending;
  }
  send(id, call) {
    this.#stream.write({ id, call });
  }
  cancel() {
    this.#stream.cancel();
  }
}
const ids = [7, 3, 4_294_967_295];
/** What is required of a plugin that serves Work. */
export const work = [
  {
    number: 'P31',
    level: 'MUST',
    title: 'answers each call on a stream of Work once, under its id, as by Reconcile',
    check: async (plugin) => {
      const trial = new WorkTrial(plugin);
      try {
        return await checkAnswers(plugin, trial);
      } finally {
        trial.cancel();
      }
    },
  },
];
async function checkAnswers(plugin, trial) {
  await plugin.reconciled();
  const expected = stateOf(await plugin.reconcile());
  // What differs from call to call anyway is P24's affair.
  const isSteady = differences(expected, stateOf(await plugin.reconcile())).length === 0;
  // One after the other: nobody makes two calls for one resource at once.
  for (const id of ids) {
    trial.send(id, { case: 'reconcile', value: plugin.request() });
    await arrival(plugin, trial, id);
  }
  trial.send(1, { case: 'finalize', value: plugin.request() });
  const last = await arrival(plugin, trial, 1);
  if (last.answer.case !== 'finalize') throw new NotMet(`Finalize is answered with ${last.answer.case}`, 'finalize');
  for (const { id, answer } of trial.answers.filter(({ id }) => id !== 1)) {
    if (answer.case !== 'reconcile') throw new NotMet(`${answer.case} for the call ${id}`, 'reconcile');
    const isSuccess = answer.value.outcome === Outcome.SUCCESS;
    if (!isSuccess) throw new NotMet(`${describeAnswer(answer.value)} on the stream`, 'SUCCESS, as by Reconcile');
    const [difference] = differences(expected, stateOf(answer.value), 1);
    if (isSteady && difference) throw new NotMet(`another state than by Reconcile: ${difference}`, 'the same');
  }
  const answered = trial.answers.map(({ id }) => id);
  if (answered.length === ids.length + 1) return `${answered.length} calls`;
  throw new NotMet(`answers under the ids ${answered.join(', ')}`, `one for each of ${[...ids, 1].join(', ')}`);
}
async function arrival({ timeout }, trial, id) {
  const look = () => trial.answers.find((answer) => answer.id === id);
  await until(() => look() ?? trial.ending, timeout);
  const found = look();
  if (found) return found;
  const others = trial.answers.map((answer) => answer.id).join(', ');
  throw new NotMet(
    trial.ending ?? `no answer to the call ${id}, but to ${others || 'none'}`,
    `an answer to the call ${id}`,
  );
}
//# sourceMappingURL=work.js.map
