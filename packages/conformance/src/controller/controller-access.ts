import type * as grpc from '@grpc/grpc-js';

/** Connection to a heartbeat port, and the proof of an identity. */
export interface ControllerAccess {
  /** Credentials of the connection. Default: plain text. */
  credentials?: grpc.ChannelCredentials;
  /** Credentials of a connection without a client certificate, for checks without an identity. Default: `credentials`. */
  bareCredentials?: grpc.ChannelCredentials;
  /** CA that the controller publishes, in PEM, for the check of its client certificate. */
  ca?: string;
  /** Name in the certificate of the controller. Default: the host of its address. */
  serverName?: string;
  /** Token that proves an identity. */
  token?: string;
  /** True if the client certificate of `credentials` proves an identity. */
  hasCertificate?: boolean;
}
