import type { DescService, Message, MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  addReflection,
  addService,
  type GetInfoResponseSchema,
  messageOf,
  PluginService,
  quietGrpc,
  v0,
} from '@kplug/protocol';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import type { Logger } from 'pino';
import { answerCalls } from './api-handlers.ts';
import { signalOf } from './call-signal.ts';
import type { ApiPart, RegisteredApi } from './definition.ts';
import type { Settings } from './environment.ts';
import { HeartbeatClient } from './heartbeat-client.ts';
import { limits } from './limits.ts';
import { grpcHandlersOf } from './own-api.ts';
import type { PluginDefinition } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import type { PluginHandlers } from './plugin-service.ts';
import type { RunningPlugin } from './running-plugin.ts';
import { CredentialSource } from './security/credentials.ts';
import { createOwnCertificate } from './security/own-certificate.ts';
import { noController } from './security/security-settings.ts';
import { TlsListener } from './security/tls-listener.ts';
import { TlsMaterial } from './security/tls-material.ts';
import { TokenSource } from './security/token-source.ts';
import { V0HeartbeatClient } from './v0/heartbeat-client.ts';
import { v0Service } from './v0/plugin-service.ts';
import { version as sdkVersion } from './version.ts';
import { WorkService } from './work-service.ts';

/** Serves a plugin: listens, registers it and sends heartbeats. */
export class PluginServer implements RunningPlugin {
  readonly #definition: Pick<PluginDefinition, 'name' | 'version' | 'close'>;
  readonly #apis: readonly RegisteredApi[];
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #server: grpc.Server;
  readonly #work: WorkService;
  readonly #health = new HealthImplementation({ '': 'SERVING', [PluginService.typeName]: 'SERVING' });
  readonly #onSignal = () => void this.#stopAndExit();
  #heartbeatClient: HeartbeatClient | V0HeartbeatClient | undefined;
  #address = '';
  /** Stops listening, and closes connections after a grace period in milliseconds. */
  #closePort: ((gracePeriod: number) => void) | undefined;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(
    definition: Pick<PluginDefinition, 'name' | 'version' | 'close'>,
    parts: readonly ApiPart[],
    settings: Settings,
    log: Logger,
  ) {
    const apis = parts.flatMap((part) => part.apis);
    this.#definition = definition;
    this.#apis = apis;
    this.#settings = settings;
    this.#log = log;
    quietGrpc();
    this.#server = new grpc.Server({
      'grpc.max_receive_message_length': settings.maxMessageSize,
      // For the responses of other services. Answers are limited before they are sent.
      'grpc.max_send_message_length': settings.maxAnswerSize,
      'grpc.max_concurrent_streams': limits.serving.maxStreams,
      // No `grpc-node.max_session_memory`: Node.js never subtracts what a cancelled call had still to send, so that any limit is exceeded
      // in the end, and then the connection refuses all calls.
      'grpc.max_connection_age_ms': limits.serving.maxConnectionAge,
      'grpc.max_connection_age_grace_ms': limits.serving.maxConnectionAgeGrace,
      // Nothing reads the statistics of channelz.
      'grpc.enable_channelz': 0,
    });
    const { reconcile, finalize } = answerCalls(parts, log, settings.maxAnswerSize);
    const handlers: PluginHandlers = {
      reconcile: (request, signal) => this.#counted(() => reconcile(request, signal)),
      finalize: (request, signal) => this.#counted(() => finalize(request, signal)),
    };
    this.#work = new WorkService(handlers);
    addService(this.#server, PluginService, {
      getInfo: () => this.#info,
      reconcile: (request, call) => handlers.reconcile(request, signalOf(call)),
      finalize: (request, call) => handlers.finalize(request, signalOf(call)),
      work: (stream) => this.#work.serve(stream),
    });
    const services: DescService[] = [PluginService];
    if (settings.protocol === 'kplug') {
      addService(this.#server, v0.Plugin, v0Service(handlers, apis));
      services.push(v0.Plugin);
    }
    for (const { implementation } of parts) {
      if (!implementation.serves) continue;
      const handlers = grpcHandlersOf(implementation.serves, (work) => this.#counted(work));
      addService(this.#server, implementation.serves.service, handlers);
      services.push(implementation.serves.service);
    }
    for (const { name } of apis) this.#health.setStatus(name, 'SERVING');
    this.#health.addToServer(this.#server);
    addReflection(this.#server, services, [healthService]);
  }

  get address(): string {
    return this.#address;
  }

  get instanceId(): string {
    return this.#settings.instanceId;
  }

  get registered(): boolean {
    return this.#heartbeatClient?.registered ?? false;
  }

  setServing(api: string, serving: boolean): void {
    if (!this.#apis.some(({ name }) => name === api)) {
      const known = this.#apis.map(({ name }) => name).join(', ');
      throw new PluginError(
        'InvalidDefinition',
        `the plugin doesn't implement the API "${api}"; it implements ${known}`,
      );
    }
    this.#health.setStatus(api, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Listens and starts to send heartbeats. Called by `serve`. */
  async start(): Promise<void> {
    const material = await this.#createMaterial();
    const port = await this.#bind(material);
    this.#address = (this.#settings.address || ':0').replace(/:0$/, `:${port}`);
    const { controller, bindAddress } = this.#settings;
    if (controller === noController)
      this.#log.info(`listening on ${bindAddress.replace(/:0$/, `:${port}`)}; sending no heartbeats`);
    else this.#heartbeatClient = this.#createHeartbeatClient(material);
    this.#heartbeatClient?.start();
    if (!this.#settings.handleSignals) return;
    process.once('SIGTERM', this.#onSignal);
    process.once('SIGINT', this.#onSignal);
  }

  /** Reads the files of a plugin with TLS, or makes its certificate. */
  async #createMaterial(): Promise<TlsMaterial | undefined> {
    const { security, instanceId } = this.#settings;
    if (security.kind === 'tls') {
      const own = security.tls.files ? undefined : await createOwnCertificate(instanceId);
      return new TlsMaterial(security.tls, own, this.#log);
    }
    if (security.warning) this.#log.warn(security.warning);
    return undefined;
  }

  #createHeartbeatClient(material: TlsMaterial | undefined): HeartbeatClient | V0HeartbeatClient {
    const { name, version } = this.#definition;
    const { protocol, instanceId, weight, labels, controller, interval, ttl, pod, security } = this.#settings;
    if (protocol === 'kplug') {
      const identity = { name, version, apis: this.#apis, address: this.#address };
      return new V0HeartbeatClient(controller, identity, this.#log);
    }
    const registration = {
      plugin: name,
      version,
      apis: [...this.#apis],
      address: this.#address,
      instanceId,
      weight,
      labels,
      ...(pod && { pod }),
      ...(interval === undefined ? {} : { interval: durationFromMs(interval) }),
      ...(ttl === undefined ? {} : { ttl: durationFromMs(ttl) }),
    };
    const tls = security.kind === 'tls' && material ? { material, serverName: security.tls.serverName } : undefined;
    const target = {
      controller,
      credentials: new CredentialSource(new TokenSource(this.#settings, this.#log), tls),
      // Processes that an operator starts reach it in plain text, on the loopback interface.
      isHosted: this.#settings.token !== undefined && !tls,
      ...(tls && { serverName: tls.serverName }),
    };
    return new HeartbeatClient(target, registration, this.#log, this.#onSignal);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    process.off('SIGTERM', this.#onSignal);
    process.off('SIGINT', this.#onSignal);
    await this.#heartbeatClient?.deregister();
    const drained = await this.#drain();
    if (!drained) {
      const { drainTimeout } = this.#settings;
      this.#log.warn(`drain timeout of ${drainTimeout} ms exceeded; cancelling ${this.#inFlight} in-flight call(s)`);
    }
    this.#work.end();
    await this.#shutDown();
    await this.#heartbeatClient?.stop();
    await this.#definition.close?.();
    this.#log.info('stopped');
  }

  async #stopAndExit(): Promise<void> {
    try {
      await this.stop();
    } catch (error) {
      this.#log.error({ err: error }, 'shutdown failed');
      process.exitCode = 1;
    }
    if (this.#settings.handleSignals) process.exit();
  }

  /** Waits for in-flight calls. Resolves to false if they took longer than the drain timeout. */
  #drain(): Promise<boolean> {
    if (this.#inFlight === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.#settings.drainTimeout);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Lets the last responses reach their callers, then closes connections with open streams, such as health watches. */
  #shutDown(): Promise<void> {
    this.#closePort?.(limits.serving.connectionGracePeriod);
    return new Promise((resolve) => this.#server.tryShutdown(() => resolve()));
  }

  get #info(): Exclude<MessageInitShape<typeof GetInfoResponseSchema>, Message> {
    return {
      plugin: this.#definition.name,
      version: this.#definition.version,
      apis: [...this.#apis],
      instanceId: this.#settings.instanceId,
      runtime: `@kplug/sdk/${sdkVersion} node/${process.versions.node}`,
      servesWork: true,
      serializesCalls: true,
    };
  }

  async #counted<T>(work: () => T | Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await work();
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  async #bind(material: TlsMaterial | undefined): Promise<number> {
    const { bindAddress } = this.#settings;
    try {
      return material ? await this.#listenWithTls(bindAddress, material) : await this.#listenInPlainText(bindAddress);
    } catch (cause) {
      const advice = 'stop the process that listens there, or set KPLUG_BIND_ADDRESS';
      const message = `the plugin can't listen on ${bindAddress}: ${messageOf(cause)}; ${advice}`;
      throw new PluginError('CannotServe', message, { cause });
    }
  }

  #listenInPlainText(bindAddress: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(bindAddress, grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) return reject(error);
        const bound = bindAddress.replace(/:0$/, `:${port}`);
        this.#closePort = (gracePeriod) => this.#server.drain(bound, gracePeriod);
        resolve(port);
      });
    });
  }

  async #listenWithTls(bindAddress: string, material: TlsMaterial): Promise<number> {
    const injector = this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    const listener = new TlsListener(material, (socket) => injector.injectConnection(socket), this.#log);
    this.#closePort = (gracePeriod) => {
      listener.close();
      injector.drain(gracePeriod);
    };
    const at = bindAddress.lastIndexOf(':');
    const host = bindAddress.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    return listener.listen(host, Number(bindAddress.slice(at + 1)));
  }
}
