import type { JsonObject } from './resource.ts';

/** A plugin that doesn't beat: somebody declared where it is. */
export interface PluginDeclaration {
  /** The record that users see it in. */
  record: RecordReference;
  source: 'service' | 'address';
  /** What is kept as the record's spec, for one that no user wrote. */
  spec?: JsonObject;
  /** The generation of the record, for one that a user wrote. */
  generation?: number;
  /** What it is said to be. */
  expected: ExpectedPlugin;
  /** Where its instances are, as far as that is known. */
  endpoints: readonly DeclaredEndpoint[];
  /** Why they aren't known, or none of them can be asked. */
  problem?: DeclarationProblem;
}

/** Names a record. */
export interface RecordReference {
  namespace: string;
  name: string;
}

/** What a declaration says of a plugin; what it doesn't say isn't compared. */
export interface ExpectedPlugin {
  plugin?: string;
  /** A version or a range. */
  version?: string;
  /** Plugin APIs, each with a version or a range. */
  apis: readonly { name: string; version?: string }[];
}

/** Where one instance is, or several behind a name. */
export interface DeclaredEndpoint {
  /** `host:port`. */
  address: string;
  /** `unready` gets no calls; `terminating` gets no new ones. */
  state: 'ready' | 'unready' | 'terminating';
  /** The pod that it is in. */
  pod?: { namespace: string; name: string };
}

/** What is wrong with a declaration, or with what was found by it. */
export interface DeclarationProblem {
  /** In one PascalCase word. */
  reason: string;
  /** What is wrong and what to do, for people. */
  message: string;
}

/** Hears of a declaration as it is now, or as it was last when it is gone. Must not throw. */
export type DeclarationListener = (declaration: PluginDeclaration, gone: boolean) => void;

/** Follows the plugins that don't beat. */
export interface PluginDeclarations {
  /**
   * Hears of each declaration and of each change of one, the ones that are there first. Fulfilled when the listener has heard of all
   * that are there, or that can't be had for now.
   */
  follow(listener: DeclarationListener): Promise<void>;
}
