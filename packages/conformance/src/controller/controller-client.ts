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
import { NotMet } from '../requirement.ts';

/** A registration as it is sent. */
export type RegistrationInit = Exclude<MessageInitShape<typeof RegistrationSchema>, { $typeName: string }>;

/** Connection to the heartbeat port of the controller under test. */
export class ControllerClient {
  readonly address: string;
  readonly times: ControllerTimes;
  readonly client: GrpcClient<typeof RegistryService>;
  /** Proves to be the process of its instances. */
  readonly metadata = new grpc.Metadata();

  constructor(address: string, times: ControllerTimes) {
    this.address = address;
    this.times = times;
    this.metadata.set('kplug-secret', randomBytes(32).toString('base64url'));
    this.client = createGrpcClient(RegistryService, address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
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
