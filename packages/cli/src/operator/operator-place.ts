import type { SecureContextOptions } from 'node:tls';
import type { ClusterChoice } from './cluster-choice.ts';

/** Operator that a command line names. */
export interface OperatorChoice extends ClusterChoice {
  /** Namespace of the operator in a cluster. */
  operatorNamespace?: string;
  /** URL or address of an admin port. */
  admin?: string;
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
  /** Credentials, if the URL is that of an API server. */
  credentials?: OperatorCredentials;
}

/** Credentials of requests to an API server. */
export interface OperatorCredentials {
  headers: Readonly<Record<string, string>>;
  tls: Readonly<SecureContextOptions & { servername?: string; rejectUnauthorized?: boolean | undefined }>;
}
