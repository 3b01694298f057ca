import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GrpcClient, RegistrationSchema, RegistryService, SessionResponse } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet } from '../requirement.ts';
import type { ControllerClient } from './controller-client.ts';

type Stream = ReturnType<GrpcClient<typeof RegistryService>['session']>;

/** Session with the controller under test. It records the answers. */
export class ProbeSession {
  readonly #stream: Stream;
  readonly #timeout: number;
  readonly #answers: SessionResponse['answer'][] = [];
  #ending: string | undefined;

  /** @param timeout time for the controller to answer, in milliseconds. */
  constructor({ client, metadata }: Pick<ControllerClient, 'client' | 'metadata'>, timeout: number) {
    this.#timeout = timeout;
    this.#stream = client.session({ metadata });
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

  sendBeat(): void {
    this.#stream.write({ message: { case: 'beat', value: {} } });
  }

  end(): void {
    this.#stream.end();
  }

  /** Returns the first answer. Rejects with `NotMet` when there is none in time. */
  async answer(): Promise<SessionResponse['answer']> {
    await eventually(() => this.#answers[0] ?? this.#ending, this.#timeout);
    const [first] = this.#answers;
    if (first) return first;
    throw new NotMet(this.#ending ?? `no answer in ${this.#timeout / 1_000} s`, 'an answer in the session');
  }

  /** Returns `ended` or the error of the stream; `undefined` when it is still open after the timeout. */
  ending(): Promise<string | undefined> {
    return eventually(() => this.#ending, this.#timeout);
  }
}
