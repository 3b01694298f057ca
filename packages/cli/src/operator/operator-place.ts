import type { Agent } from 'node:http';
import type { SecureContextOptions } from 'node:tls';
import type { ClusterChoice } from './cluster-choice.ts';

/** Operator that a command line names. */
export interface OperatorChoice extends ClusterChoice {
  /** Namespace of the operator in a cluster. */
  operatorNamespace?: string;
  /** URL or address of an admin port. */
  admin?: string;
  /** File with a token for an admin port of another machine. */
  adminTokenFile?: string;
  /** File with the CA of that port. */
  adminCa?: string;
  /** Manifest directory of the operator. */
  manifests: string;
  /** State directory of the operator. Default: as `findDirectories` says. */
  stateDir?: string;
}

/** Location of an operator, with its origin. */
export interface OperatorPlace {
  url: string;
  /** Origin of the URL, and what is known about the process, for error messages. */
  origin: string;
  /** Namespace of resources that are named without one. */
  namespace: string;
  connection?: Connection;
}

/** Connection to an HTTP server: all fields are optional. */
export interface Connection {
  /** Headers that authenticate the client. */
  headers?: Readonly<Record<string, string>>;
  /** TLS options that verify the server and authenticate the client. */
  tls?: Readonly<SecureContextOptions & { servername?: string; rejectUnauthorized?: boolean | undefined }>;
  /** Agent that connects to the server. Default: by TCP. */
  agent?: Agent;
}
