import { type GrpcHandlers, Outcome, type PluginService } from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { expect, vi } from 'vitest';
import { rawPlugin } from '../raw-plugin.ts';

type Handlers = GrpcHandlers<typeof PluginService>;

/** Answer of a plugin, in the form of the protocol. */
export type Lie = Extract<Awaited<ReturnType<Handlers['reconcile']>>, object>;

const waiting = { timeout: 10_000, interval: 5 };

/** Encodes a value as a status or a dependent. */
export function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Operator with the base `victim` of a plugin that violates the protocol, and the base `honest` of one that does not. */
export class LiedToOperator {
  readonly operator: TestOperator;
  #calls = 0;
  #rounds = 0;

  private constructor(operator: TestOperator) {
    this.operator = operator;
  }

  /** @param lie answer of the lying plugin, besides its outcome. */
  static async start(
    lie: Lie,
    delegation: ConstructorParameters<typeof TestOperator>[0] = {},
    prepare: (operator: TestOperator) => void = () => undefined,
  ): Promise<LiedToOperator> {
    const operator = await TestOperator.start(delegation);
    const started = new LiedToOperator(operator);
    prepare(operator);
    await rawPlugin(operator, () => {
      started.#calls++;
      return { outcome: Outcome.SUCCESS, ...lie };
    });
    await operator.plugin({
      name: 'Honest',
      reconcile: ({ base }) => ({ status: { n: (base.spec as { n: number }).n } }),
    });
    if (!operator.get('victim')) operator.table('victim', { preferredImplementation: 'Raw' });
    return started;
  }

  /** Waits until the answer is refused as a whole, with a reason and a message, and expects that the honest plugin is still served. */
  async expectRefused(reason: string, message: RegExp | string): Promise<void> {
    const { operator } = this;
    const expected = { status: 'False', reason, message: expect.stringMatching(message) };
    await operator.expectCondition('victim', 'Ready', expected);
    await this.expectHonestServed();
    expect(operator.get('victim')?.status).not.toHaveProperty('taken');
  }

  /** Expects that several lies later the honest plugin gets calls, and its answers are written. */
  async expectHonestServed(lies = 3): Promise<void> {
    const { operator } = this;
    const seen = this.#calls;
    await vi.waitFor(() => expect(this.#calls).toBeGreaterThanOrEqual(seen + lies), waiting);
    const n = ++this.#rounds;
    operator.table('honest', { preferredImplementation: 'Honest', n });
    await vi.waitFor(
      () => expect(operator.get('honest')?.status).toMatchObject({ n, implementation: 'Honest' }),
      waiting,
    );
  }
}
