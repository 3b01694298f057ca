import type {
  AssignedCapability,
  ExtensionShapes,
  Metadata,
  Operation,
  Progress,
  ReconcileInput,
  ResourceShape,
} from '../plugin.ts';

/** Value in which every field may be left out, at any depth. The schemas of the plugin fill in and validate the rest. */
export type Partially<T> = T extends readonly (infer Item)[]
  ? Partially<Item>[]
  : T extends object
    ? { [Field in keyof T]?: Partially<T[Field]> }
    : T;

/** Metadata of a resource of a test. Defaults: generation 1, a uid that follows from kind, namespace and name. */
export interface TestMetadata extends Partial<Metadata> {
  creationTimestamp?: string;
  finalizers?: string[];
  ownerReferences?: object[];
  resourceVersion?: string;
}

/**
 * Resource of a test, with the fields that its shape declares. A cast, as in `{ spec: { size: 'many' } as never }`, passes a value that the
 * types forbid.
 */
export type TestResource<Shape extends ResourceShape = ResourceShape> = Partially<
  Omit<Shape, 'apiVersion' | 'kind' | 'metadata'>
> & {
  /** Default `example.org/v1`. */
  apiVersion?: string;
  /** Default for the base: the name of the API. */
  kind?: string;
  /** Default name: `test`. Default namespace: `default`; an empty one is that of a cluster-scoped kind. */
  metadata?: TestMetadata;
};

/** Extension of a test: a resource of a kind that the plugin understands. Its default name and namespace are those of the base. */
export type TestExtension<E extends ExtensionShapes = ExtensionShapes> = {
  [Kind in keyof E & string]: TestResource<E[Kind]> & { kind: Kind };
}[keyof E & string];

/** Dependent or required resource of a test, in full. */
export interface TestManifest {
  apiVersion: string;
  kind: string;
  /** Default namespace: that of the base; an empty one is that of a cluster-scoped kind. */
  metadata: TestMetadata & { name: string };
  [field: string]: unknown;
}

/** Capability that the base of a test asks for. Default category: the one that the API provides. Default previous version: none. */
export type TestCapability = Pick<AssignedCapability, 'type' | 'version'> & Partial<AssignedCapability>;

/** Operation in progress in a test. The delay of a progress doesn't count. */
export type TestOperation = Partial<Operation> & Pick<Progress, 'after'>;

/** Input of a call of `reconcile` in a test. All fields are optional. */
export interface ReconcileTestInput<
  B extends ResourceShape = ResourceShape,
  E extends ExtensionShapes = ExtensionShapes,
> {
  /** Base resource. */
  base?: TestResource<B>;
  /** Extension resources that the base references and that exist. Default none. */
  extensions?: readonly TestExtension<E>[];
  /** Dependents in their current state. Default none. */
  dependents?: readonly TestManifest[] | undefined;
  /**
   * Resources that were found for each requirement, by its name. An empty list says that none exists; a name that is missing says that the
   * plugin has not stated the requirement yet. Default none.
   */
  required?: Readonly<Record<string, readonly TestManifest[]>>;
  /** Capability that the base asks for. Default none. */
  capability?: TestCapability;
  /**
   * Operation that the plugin reported as in progress, such as `progress` of an earlier result. Default none. Defaults of its fields: begun now,
   * in this generation, without a token.
   */
  operation?: TestOperation | undefined;
  /** Delegation of the call, and the reason why the plugin was chosen. Defaults: `test`, `Preferred`. */
  assignment?: Partial<Pick<ReconcileInput['assignment'], 'delegation' | 'reason' | 'message'>>;
  /** Number of the attempt. Default 1. */
  attempt?: number;
  /** Signal that is aborted when the operator no longer waits. Default: never. */
  signal?: AbortSignal;
}

/** Input of a call of `finalize` in a test. All fields are optional. */
export interface FinalizeTestInput<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>
  extends ReconcileTestInput<B, E> {
  /** Cause of the call. Default `deleted`. */
  cause?: 'deleted' | 'handedOver';
}
