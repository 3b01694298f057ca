import type { DeclarationProblem, PluginDeclaration, RecordReference } from './services/plugin-declarations.ts';

/** Outcome of probing a declared plugin. */
export interface DeclarationReport extends Pick<PluginDeclaration, 'record' | 'source' | 'spec' | 'generation'> {
  /** Problem with the declaration or with a probe; missing when there is none. */
  problem?: DeclarationProblem;
}

/** Receives the outcome of each declaration, to write it for users. */
export interface DeclarationReporter {
  /** Replaces the report of a declaration. */
  declare(report: DeclarationReport): void;
  /** Removes a declaration that no longer exists. */
  undeclare(declaration: DeclarationReport): void;
  /** Marks the end of the existing declarations: all of them have been declared. */
  settleDeclarations(): void;
}

/** Key of a declaration's record, unique among all records: names of other records contain no slash. */
export function declaredKeyOf({ namespace, name }: RecordReference): string {
  return `${namespace}/${name}`;
}
