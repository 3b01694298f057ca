import { createHash, randomBytes } from 'node:crypto';
import { type DelegationDeclaration, formatKey, type JsonObject } from '@kplug/controller';
import { registryOf } from '@kplug/controller/internal';
import { OperatorTest } from '@kplug/controller/testing';
import { definePlugin, type PluginDefinition, type RunningPlugin } from '@kplug/sdk';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import { findFreePort } from '../packages/cli/src/attach/local-forward.ts';
import { TunnelClient } from '../packages/cli/src/attach/tunnel-client.ts';

const apiVersion = 'myorg.org/v1alpha1';
const attachmentKind = { apiVersion: 'attachments.kplug.dev/v1alpha1', kind: 'Attachment' };
const waitOptions = { timeout: 15_000, interval: 10 };

/** Attachment of a test. */
export interface GivenAttachment {
  name: string;
  namespace?: string;
  delegation?: string;
  labels?: Record<string, string>;
  seconds?: number;
}

/** Operator on resources in memory that follows attachments, with what users do. It ends with the test. */
export class AttachingOperator {
  readonly operator: OperatorTest;

  private constructor(operator: OperatorTest) {
    this.operator = operator;
  }

  static async start(...delegations: Partial<DelegationDeclaration>[]): Promise<AttachingOperator> {
    const plain = { name: 'tables', base: { apiVersion, kind: 'Table' }, api: 'Table@^1.0.0' };
    const operator = await OperatorTest.start({
      delegations: (delegations.length > 0 ? delegations : [{}]).map((one) => ({ ...plain, ...one })),
      followAttachments: true,
      lease: { interval: 200, ttl: 1_000 },
      logger: pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' }),
    });
    onTestFinished(() => operator[Symbol.asyncDispose]());
    return new AttachingOperator(operator);
  }

  get address(): string {
    return this.operator.controller.heartbeatAddress;
  }

  /** Reports whether an attached plugin is known. */
  isRegistered(attachment: string): boolean {
    return registryOf(this.operator.controller).get(`attachment/${attachment}`) !== undefined;
  }

  table(
    name: string,
    labels: Record<string, string> = {},
    { namespace = 'default', kind = 'Table', spec = {} as JsonObject } = {},
  ) {
    return this.operator.resources.apply({ apiVersion, kind, metadata: { name, namespace, labels }, spec });
  }

  /** Serves a plugin of the cluster. */
  async serve(given: Partial<PluginDefinition> = {}): Promise<RunningPlugin> {
    return this.#serve(given, { controller: this.address });
  }

  /** Creates an attachment, or renews the one of that name. Returns its token. */
  attach(
    { name, namespace = 'default', delegation = 'tables', labels = { owner: 'me' }, seconds = 15 }: GivenAttachment,
    token: string = randomBytes(32).toString('base64url'),
  ): string {
    const tokenSHA256 = createHash('sha256').update(token).digest('hex');
    this.operator.resources.apply({
      ...attachmentKind,
      metadata: { name, namespace },
      spec: {
        ...{ delegation, selector: { matchLabels: labels }, tokenSHA256, user: 'ann' },
        leaseDurationSeconds: seconds,
        renewTime: `${new Date().toISOString()}-${randomBytes(4).toString('hex')}`,
      },
    });
    return token;
  }

  /** Ends an attachment. */
  detach(name: string, namespace = 'default'): void {
    this.operator.resources.delete(formatKey({ ...attachmentKind, namespace, name }));
  }

  /** Returns the condition of an attachment. */
  attached(name: string, namespace = 'default'): { status?: string; reason?: string; message?: string } {
    const stored = this.operator.resources.get(formatKey({ ...attachmentKind, namespace, name }));
    return ((stored?.status?.conditions as JsonObject[] | undefined)?.[0] ?? {}) as never;
  }

  /** Runs the plugin of a user, with the tunnel to its machine. */
  async runAttached(attachment: string, token: string, given: Partial<PluginDefinition> = {}) {
    const pluginPort = await findFreePort();
    const opened = Promise.withResolvers<void>();
    const notices: string[] = [];
    const tunnel = new TunnelClient({
      ...{ operatorPort: Number(this.address.split(':').at(-1)), ca: undefined, attachment, token, pluginPort },
      onNotice: ({ resource, message }) => void notices.push(`${resource}: ${message}`),
      onOpen: opened.resolve,
      onBroken: () => undefined,
    });
    onTestFinished(() => tunnel.close());
    tunnel.open();
    await opened.promise;
    const address = `127.0.0.1:${pluginPort}`;
    const running = await this.#serve(given, {
      ...{ controller: this.address, token, instanceId: `attachment/${attachment}`, address, bindAddress: address },
    });
    return { tunnel, running, notices };
  }

  /** Waits until a table was reconciled by a process. */
  async expectBy(name: string, by: string, { namespace = 'default', kind = 'Table' } = {}): Promise<void> {
    await vi.waitFor(() => expect(this.by(name, { namespace, kind }), name).toBe(by), waitOptions);
  }

  by(name: string, { namespace = 'default', kind = 'Table' } = {}): unknown {
    return this.operator.resources.get(formatKey({ apiVersion, kind, namespace, name }))?.status?.by;
  }

  /** Returns the reason of the condition `Ready` of a table. */
  reason(name: string): unknown {
    const stored = this.operator.resources.get(formatKey({ apiVersion, kind: 'Table', namespace: 'default', name }));
    const conditions = (stored?.status?.conditions ?? []) as JsonObject[];
    return conditions.find(({ type }) => type === 'Ready')?.reason;
  }

  async #serve(
    { name = 'PostgreSQL', version = '1.0.0', ...given }: Partial<PluginDefinition>,
    options: Parameters<ReturnType<typeof definePlugin>['serve']>[0],
  ): Promise<RunningPlugin> {
    const label = options?.token === undefined ? `${name} of the cluster` : `${name} of the user`;
    const definition = { name, version, api: 'Table@1.0.0', reconcile: () => ({ status: { by: label } }), ...given };
    const running = await definePlugin(definition as PluginDefinition).serve({
      ...options,
      logLevel: 'silent',
      handleSignals: false,
    });
    onTestFinished(() => running.stop());
    await vi.waitFor(() => expect(running.registered).toBe(true), waitOptions);
    return running;
  }
}
