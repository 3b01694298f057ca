import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { Controller, type ControllerOptions } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { createToken } from '@kplug/controller/tools';
import {
  createGrpcClient,
  type GrpcClient,
  RefusalReason,
  type RegistrationSchema,
  RegistryService,
} from '@kplug/protocol';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';

/** Registration as it is sent. */
export type RegistrationInit = Omit<MessageInitShape<typeof RegistrationSchema>, '$typeName'>;

/** Credentials of a client. */
export interface ClientCredentials {
  token?: string;
  /** Secret of its instances. Default: none. */
  secret?: string;
  /** Uses plain text. */
  insecure?: boolean;
}

/** Secret as a plugin chooses it. */
export const newSecret = () => randomBytes(32).toString('base64url');

/** Operator on a directory whose heartbeat port is open to other machines: by TLS, with its own CA, for holders of tokens. */
export class SecuredOperator {
  readonly controller: Controller;
  readonly directory: string;
  readonly tokenFile: string;

  private constructor(controller: Controller, directory: string, tokenFile: string) {
    this.controller = controller;
    this.directory = directory;
    this.tokenFile = tokenFile;
  }

  static async start(options: Partial<ControllerOptions> = {}): Promise<SecuredOperator> {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-secured-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const directory = join(folder, 'manifests');
    const tokenFile = join(folder, 'tokens.yaml');
    await mkdir(directory);
    await createToken(tokenFile, { name: 'first', plugins: ['None'] });
    const logger = pino({ level: 'silent' });
    const controller = new Controller({
      resources: await openDirectory({ directory, logger }),
      delegations: [{ name: 'tables', base: { apiVersion: 'myorg.org/v1', kind: 'Table' }, api: 'Table' }],
      heartbeatAddress: '0.0.0.0:0',
      adminAddress: false,
      lease: { interval: 200, ttl: 1_000 },
      logger,
      ...options,
      security: { tokenFile, ...options.security },
    });
    await controller.start();
    onTestFinished(() => controller.stop());
    return new SecuredOperator(controller, directory, tokenFile);
  }

  /** Address by a name that the certificate has. */
  get address(): string {
    return `localhost:${this.controller.heartbeatAddress.split(':').at(-1)}`;
  }

  get caFile(): string {
    return join(this.directory, '.kplug', 'tls', 'ca.crt');
  }

  /** Makes a token for plugins. */
  async token(name: string, ...plugins: string[]): Promise<string> {
    const token = await createToken(this.tokenFile, { name, plugins });
    const client = await this.client({ token });
    await vi.waitFor(async () => expect(await client.list()).toBe('OK'), { timeout: 20_000, interval: 50 });
    return token;
  }

  async client(given: ClientCredentials = {}): Promise<RegistryClient> {
    const credentials = given.insecure
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(await readFile(this.caFile));
    return new RegistryClient(this.address, credentials, given);
  }
}

/** Client of a heartbeat port that may say anything. It is closed when the test ends. */
export class RegistryClient {
  readonly client: GrpcClient<typeof RegistryService>;
  readonly metadata = new grpc.Metadata();

  constructor(address: string, credentials: grpc.ChannelCredentials, { token, secret }: ClientCredentials = {}) {
    this.client = createGrpcClient(RegistryService, address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    if (token !== undefined) this.metadata.set('authorization', `Bearer ${token}`);
    if (secret !== undefined) this.metadata.set('kplug-secret', secret);
    onTestFinished(() => this.client.$client.close());
  }

  /** Registers by a heartbeat. Returns `accepted`, or the reason of the refusal with its message. */
  async register(given: RegistrationInit = {}): Promise<{ outcome: string; message: string; secret: string }> {
    const { answer } = await this.client.heartbeat({ registration: registrationOf(given) }, this.options);
    if (answer.case === 'lease') return { outcome: 'accepted', message: '', secret: answer.value.secret };
    const { reason = 0, message = '' } = answer.value ?? {};
    const [outcome = ''] = Object.entries(RefusalReason).find(([, value]) => value === reason) ?? [];
    return { outcome, message, secret: '' };
  }

  /** Opens a session with a registration. Returns the case of the first answer. */
  async openSession(given: RegistrationInit = {}): Promise<string> {
    const stream = this.client.session({ metadata: this.metadata });
    onTestFinished(() => stream.cancel());
    stream.write({ message: { case: 'registration', value: registrationOf(given) } });
    return new Promise((resolve) => {
      stream.once('data', ({ answer }) => resolve(answer.case));
      stream.once('error', (error: Error) => resolve(error.message));
    });
  }

  /** Deregisters an instance. Returns the gRPC code as text. */
  async deregister(instanceId: string): Promise<string> {
    return codeOf(this.client.deregister({ instanceId }, this.options));
  }

  /** Lists the plugins. Returns the gRPC code as text. */
  async list(): Promise<string> {
    return codeOf(this.client.listPlugins({}, this.options));
  }

  /** Returns the code with which a watch ends, or `OK` when it yields. */
  async watch(): Promise<string> {
    const stream = this.client.watchPlugins({}, { metadata: this.metadata });
    onTestFinished(() => stream.cancel());
    return new Promise((resolve) => {
      stream.once('data', () => resolve('OK'));
      stream.once('error', (error: grpc.ServiceError) => resolve(grpc.status[error.code] ?? ''));
    });
  }

  private get options() {
    return { metadata: this.metadata, deadline: Date.now() + 10_000 };
  }
}

export function registrationOf(given: RegistrationInit = {}): RegistrationInit {
  return {
    plugin: 'PostgreSQL',
    version: '1.0.0',
    apis: [{ name: 'Table', version: '1.0.0' }],
    address: ':7000',
    instanceId: 'one',
    ...given,
  };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return grpc.status[(error as grpc.ServiceError).code] ?? String(error);
  }
}
