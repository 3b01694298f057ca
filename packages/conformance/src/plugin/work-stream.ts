import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type GrpcClient,
  Outcome,
  type PluginService,
  type WorkRequestSchema,
  type WorkResponse,
} from '@kplug/protocol';
import { differences } from '../differences.ts';
import { eventually } from '../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { describeAnswer, stateOf } from './describe-answer.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';

type Stream = ReturnType<GrpcClient<typeof PluginService>['work']>;
type Call = NonNullable<MessageInitShape<typeof WorkRequestSchema>['call']>;

/** Work stream to the plugin. It records the answers. */
export class WorkStream {
  readonly answers: WorkResponse[] = [];
  readonly #stream: Stream;
  #ending: 'ended' | string | undefined;

  /** Opens a stream. Throws `NotTried` when the plugin does not announce Work. */
  constructor(plugin: PluginUnderTest) {
    if (!plugin.info.servesWork) throw new NotTried('GetInfo does not announce Work, which is optional');
    this.#stream = plugin.client.work();
    this.#stream.on('data', (answer: WorkResponse) => this.answers.push(answer));
    this.#stream.on('end', () => {
      this.#ending ??= 'ended';
    });
    this.#stream.on('error', (error: Error) => {
      this.#ending = describeAnswer(error);
    });
  }

  /** `ended` when the plugin ended the stream, the error when it broke, `undefined` while it is open. */
  get ending(): string | undefined {
    return this.#ending;
  }

  send(id: number, call: Call): void {
    this.#stream.write({ id, call });
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

const ids = [7, 3, 4_294_967_295];

/** Requirements on plugins that serve Work. */
export const workRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P31',
    level: 'MUST',
    title: 'answers each call on a Work stream once, with its id, as for Reconcile',
    check: async (plugin) => {
      const stream = new WorkStream(plugin);
      try {
        return await checkAnswers(plugin, stream);
      } finally {
        stream.cancel();
      }
    },
  },
];

async function checkAnswers(plugin: PluginUnderTest, stream: WorkStream): Promise<string> {
  await plugin.reconciled();
  const expected = stateOf(await plugin.reconcile());
  // P24 reports a status that differs from call to call.
  const isSteady = differences(expected, stateOf(await plugin.reconcile())).length === 0;
  // A controller makes one call for a resource at a time.
  for (const id of ids) {
    stream.send(id, { case: 'reconcile', value: plugin.request() });
    await answerTo(plugin, stream, id);
  }
  stream.send(1, { case: 'finalize', value: plugin.request() });
  const last = await answerTo(plugin, stream, 1);
  if (last.answer.case !== 'finalize') throw new NotMet(`${last.answer.case} for Finalize`, 'finalize');
  for (const { id, answer } of stream.answers.filter(({ id }) => id !== 1)) {
    if (answer.case !== 'reconcile') throw new NotMet(`${answer.case} for the call ${id}`, 'reconcile');
    const isSuccess = answer.value.outcome === Outcome.SUCCESS;
    if (!isSuccess) throw new NotMet(`${describeAnswer(answer.value)} on the stream`, 'SUCCESS, as for Reconcile');
    const [difference] = differences(expected, stateOf(answer.value), 1);
    if (isSteady && difference) throw new NotMet(`a state other than for Reconcile: ${difference}`, 'the same state');
  }
  const answered = stream.answers.map(({ id }) => id);
  if (answered.length === ids.length + 1) return `${answered.length} calls`;
  throw new NotMet(`answers with the ids ${answered.join(', ')}`, `one answer for each of ${[...ids, 1].join(', ')}`);
}

async function answerTo({ timeout }: PluginUnderTest, stream: WorkStream, id: number): Promise<WorkResponse> {
  const find = () => stream.answers.find((answer) => answer.id === id);
  await eventually(() => find() ?? stream.ending, timeout);
  const found = find();
  if (found) return found;
  const others = stream.answers.map((answer) => answer.id).join(', ');
  throw new NotMet(
    stream.ending ?? `no answer to the call ${id}; answers to: ${others || 'none'}`,
    `an answer to the call ${id}`,
  );
}
