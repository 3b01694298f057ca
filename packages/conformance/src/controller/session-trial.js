import { describeAnswer } from '../plugin/describe-answer.js';
import { NotMet } from '../requirement.js';
import { until } from '../until.js';

/** How long a controller has to answer in a session, in milliseconds. */
const answerTime = 5_000;
/** A session, and what came of it. */
export class SessionTrial {
  #stream;
  #answers = [];
  #ending;
  constructor(client) {
    this.#stream = client.session();
    this.#stream.on('data', ({ answer }) => this.#answers.push(answer));
    this.#stream.on('end', () => {
      this.#ending ??= 'ended';
    });
    this.#stream.on('error', (error) => {
      this.#ending = describeAnswer(error);
    });
  }
  register(registration) {
    this.#stream.write({ message: { case: 'registration', value: registration } });
  }
  beat() {
    this.#stream.write({ message: { case: 'beat', value: {} } });
  }
  end() {
    this.#stream.end();
  }
  /** The first answer. Rejects with `NotMet` when there is none. */
  async answer() {
    await until(() => this.#answers[0] ?? this.#ending, answerTime);
    const [first] = this.#answers;
    if (first) return first;
    throw new NotMet(this.#ending ?? `no answer for ${answerTime / 1_000} s`, 'an answer in the session');
  }
  /** How the stream ended: `ended`, or the error; `undefined` when it is still open after a while. */
  ending(within = answerTime) {
    return until(() => this.#ending, within);
  }
}
//# sourceMappingURL=session-trial.js.map
