import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GrpcClient, RegistrationSchema, RegistryService, SessionResponse } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet } from '../requirement.ts';
import { until } from '../until.ts';

type Stream = ReturnType<GrpcClient<typeof RegistryService>['session']>;

/** How long a controller has to answer in a session, in milliseconds. */
const answerTime = 5_000;

/** A session, and what came of it. */
export class SessionTrial {
  readonly #stream: Stream;
  readonly #answers: SessionResponse['answer'][] = [];
  #ending: string | undefined;

  constructor(client: GrpcClient<typeof RegistryService>) {
    this.#stream = client.session();
    this.#stream.on('data', ({ answer }: SessionResponse) => this.#answers.push(answer));
    this.#stream.on('end', () => {
      this.#ending ??= 'ended';
    });
    this.#stream.on('error', (error: Error) => {
      this.#ending = describeAnswer(error);
    });
  }

  register(registration: MessageInitShape<typeof RegistrationSchema>): void {
    this.#stream.write({ message: { case: 'registration', value: registration } });
  }

  beat(): void {
    this.#stream.write({ message: { case: 'beat', value: {} } });
  }

  end(): void {
    this.#stream.end();
  }

  /** The first answer. Rejects with `NotMet` when there is none. */
  async answer(): Promise<SessionResponse['answer']> {
    await until(() => this.#answers[0] ?? this.#ending, answerTime);
    const [first] = this.#answers;
    if (first) return first;
    throw new NotMet(this.#ending ?? `no answer for ${answerTime / 1_000} s`, 'an answer in the session');
  }

  /** How the stream ended: `ended`, or the error; `undefined` when it is still open after a while. */
  ending(within = answerTime): Promise<string | undefined> {
    return until(() => this.#ending, within);
  }
}
