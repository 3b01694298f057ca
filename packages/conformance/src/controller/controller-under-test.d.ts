import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type GrpcClient,
  type HeartbeatResponse,
  type Lease,
  type PluginInstance,
  type RegistrationSchema,
  RegistryService,
} from '@kplug/protocol';
import { type DelegatedOptions, DelegatedTrial } from './delegated/delegated-trial.ts';
import { SessionTrial } from './session-trial.ts';
/** A registration, as it is sent. */
export type RegistrationInit = Exclude<
  MessageInitShape<typeof RegistrationSchema>,
  {
    $typeName: string;
  }
>;
/** How long a controller has to answer, in milliseconds. */
export declare const answerTime = 5000;
/** The controller that is tried, from a plugin's side. */
export declare class ControllerUnderTest implements AsyncDisposable {
  #private;
  readonly address: string;
  readonly client: GrpcClient<typeof RegistryService>;
  private constructor();
  static reach(address: string): Promise<ControllerUnderTest>;
  /** Has resources delegated from now on. Rejects as `DelegatedTrial.open` does. */
  delegate(options: DelegatedOptions): Promise<void>;
  /** Resources that are delegated. Throws `NotTried` where there are none. */
  get delegated(): DelegatedTrial;
  /** A registration that every controller accepts, of a process of its own; with what is to be otherwise. */
  registration(otherwise?: Partial<RegistrationInit>): RegistrationInit;
  /** Beats by Heartbeat. */
  heartbeat(registration: RegistrationInit): Promise<HeartbeatResponse>;
  /** Beats by Heartbeat, and demands to be accepted. */
  accepted(registration: RegistrationInit): Promise<Lease>;
  /** Opens a session, which ends with the trial. */
  session(): SessionTrial;
  /** The instance as the controller knows it; `undefined` when it doesn't. */
  known(instanceId?: string): Promise<PluginInstance | undefined>;
  /** Deregisters what was registered: it goes with its lease. */
  [Symbol.asyncDispose](): Promise<void>;
}
