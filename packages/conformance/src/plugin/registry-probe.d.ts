import { type Registration, v0 } from '@kplug/protocol';
/** Something that a plugin said to the registry. */
export interface Heard {
  /** Milliseconds on the monotonic clock. */
  at: number;
  way: 'session' | 'heartbeat';
  /** `ended` is a session that its plugin ended, `broken` one that broke. */
  what: 'registration' | 'beat' | 'deregistration' | 'ended' | 'broken';
  registration?: Registration;
  /** What it brought to prove who it is. */
  authorization?: string;
  /** The host and port that it came from. */
  peer: string;
}
/** A heartbeat in the first Kplug's protocol. */
export interface V0Beat {
  /** Milliseconds on the monotonic clock. */
  at: number;
  information: v0.PluginInformation;
}
/**
 * How the registry answers. `unavailable`: with an error, as one behind a load balancer that is gone. `withoutSessions`: with
 * UNIMPLEMENTED to sessions. `draining`: with the wish that the plugin stops.
 */
export type Manner =
  | 'accepting'
  | 'unavailable'
  | 'withoutSessions'
  | 'draining'
  | {
      refusing: string;
    };
/** A registry that hears what plugins say, believes nothing, and can behave badly. */
export declare class RegistryProbe {
  #private;
  /** All that was heard, oldest first. */
  readonly heard: Heard[];
  /** All heartbeats in the first Kplug's protocol, oldest first. */
  readonly v0Beats: V0Beat[];
  /** The interval that it grants, in milliseconds. */
  readonly interval: number;
  private constructor();
  static start(interval: number): Promise<RegistryProbe>;
  get address(): string;
  /** Listens, after `close` where it listened before. */
  listen(): Promise<void>;
  /** Stops listening, and breaks all sessions. */
  close(): void;
  /** Behaves in another manner from now on; sessions that are open hear of it, or break where it has none. */
  behave(manner: Manner): void;
  /** What was heard since a time. */
  since(at: number, ...what: Heard['what'][]): Heard[];
}
