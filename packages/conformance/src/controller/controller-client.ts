import { randomBytes } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  createGrpcClient,
  type GrpcClient,
  type HeartbeatResponse,
  type Lease,
  type RegistrationSchema,
  RegistryService,
} from '@kplug/protocol';
import type { ControllerTimes } from '../options.ts';
import type { KeyPair } from '../plugin/credentials.ts';
import { NotMet } from '../requirement.ts';
import type { ControllerAccess } from './controller-access.ts';

/** A registration as it is sent. */
export type RegistrationInit = Exclude<MessageInitShape<typeof RegistrationSchema>, { $typeName: string }>;

/** Connection to the heartbeat port of the controller under test. */
export class ControllerClient {
  readonly address: string;
  readonly times: ControllerTimes;
  readonly client: GrpcClient<typeof RegistryService>;
  /** Proves to be the process of its instances. */
  readonly metadata: grpc.Metadata;
  /** Client that presents no certificate. */
  readonly bareClient: GrpcClient<typeof RegistryService>;
  /** True if the calls prove an identity. */
  readonly hasIdentity: boolean;
  /** CA that the controller publishes, if it is given. */
  readonly ca: string | undefined;
  /** Key and certificate of the suite's instances; `undefined` with a controller that is reached in plain text. */
  readonly own: KeyPair | undefined;
  readonly #token: string | undefined;

  constructor(address: string, times: ControllerTimes, access: ControllerAccess = {}, own?: KeyPair) {
    const { credentials = grpc.credentials.createInsecure(), bareCredentials = credentials, serverName } = access;
    this.address = address;
    this.times = times;
    this.ca = access.ca;
    this.own = own;
    this.#token = access.token;
    this.hasIdentity = access.token !== undefined || access.hasCertificate === true;
    this.metadata = this.stranger();
    const options = {
      'grpc.use_local_subchannel_pool': 1,
      ...(serverName !== undefined && { 'grpc.ssl_target_name_override': serverName }),
    };
    this.client = createGrpcClient(RegistryService, address, credentials, options);
    this.bareClient =
      bareCredentials === credentials
        ? this.client
        : createGrpcClient(RegistryService, address, bareCredentials, options);
  }

  /** Returns the metadata of the suite's identity, with a secret if one is given. */
  credentials(secret?: string): grpc.Metadata {
    const metadata = new grpc.Metadata();
    if (this.#token !== undefined) metadata.set('authorization', `Bearer ${this.#token}`);
    if (secret !== undefined) metadata.set('kplug-secret', secret);
    return metadata;
  }

  /** Returns the metadata of another process of the suite's identity. */
  stranger(): grpc.Metadata {
    return this.credentials(randomBytes(32).toString('base64url'));
  }

  /** Closes the connections. */
  closeClients(): void {
    this.client.$client.close();
    this.bareClient.$client.close();
  }

  /** Returns the deadline of a request that is sent now. */
  get deadline(): number {
    return Date.now() + this.times.answer;
  }

  /** Returns the options of a call for one of its instances. */
  get callOptions(): { deadline: number; metadata: grpc.Metadata } {
    return { deadline: this.deadline, metadata: this.metadata };
  }

  /** Sends a heartbeat by the unary call. Rejects with the gRPC error. */
  heartbeat(registration: RegistrationInit): Promise<HeartbeatResponse> {
    return this.client.heartbeat({ registration }, this.callOptions);
  }

  /** Sends a heartbeat and returns the lease. Rejects with `NotMet` when the controller refuses it. */
  async accepted(registration: RegistrationInit): Promise<Lease> {
    const { answer } = await this.heartbeat(registration);
    if (answer.case === 'lease') return answer.value;
    throw new NotMet(`a refusal: ${answer.value?.message ?? 'nothing'}`, 'a lease');
  }
}
