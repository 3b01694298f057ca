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

  constructor(address: string, times: ControllerTimes) {
    this.address = address;
    this.times = times;
    this.client = createGrpcClient(RegistryService, address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      interceptors: [sendSecret(randomBytes(32).toString('base64url'))],
    });
  }

  /** Returns the deadline of a request that is sent now. */
  get deadline(): number {
    return Date.now() + this.times.answer;
  }

  /** Sends a heartbeat by the unary call. Rejects with the gRPC error. */
  heartbeat(registration: RegistrationInit): Promise<HeartbeatResponse> {
    return this.client.heartbeat({ registration }, { deadline: this.deadline });
  }

  /** Sends a heartbeat and returns the lease. Rejects with `NotMet` when the controller refuses it. */
  async accepted(registration: RegistrationInit): Promise<Lease> {
    const { answer } = await this.heartbeat(registration);
    if (answer.case === 'lease') return answer.value;
    throw new NotMet(`a refusal: ${answer.value?.message ?? 'nothing'}`, 'a lease');
  }
}

/** Adds the secret of the instances to calls that bring none. */
function sendSecret(secret: string): grpc.Interceptor {
  return (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        if (metadata.get('kplug-secret').length === 0) metadata.set('kplug-secret', secret);
        next(metadata, listener);
      },
    });
}
