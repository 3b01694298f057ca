import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GrpcClient, RegistrationSchema, RegistryService, SessionResponse } from '@kplug/protocol';
/** A session, and what came of it. */
export declare class SessionTrial {
  #private;
  constructor(client: GrpcClient<typeof RegistryService>);
  register(registration: MessageInitShape<typeof RegistrationSchema>): void;
  beat(): void;
  end(): void;
  /** The first answer. Rejects with `NotMet` when there is none. */
  answer(): Promise<SessionResponse['answer']>;
  /** How the stream ended: `ended`, or the error; `undefined` when it is still open after a while. */
  ending(within?: number): Promise<string | undefined>;
}
