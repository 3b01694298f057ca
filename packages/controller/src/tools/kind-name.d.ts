import type { ResourceKind } from '@kplug/controller';
/**
 * Whether a kind is meant by a name as people write it: without regard to case, singular or plural, and with the API group
 * behind a dot where the kind alone isn't enough: `DatabaseTable`, `databasetables`, `databasetable.myorg.org`.
 */
export declare function isKindNamed({ apiVersion, kind }: ResourceKind, name: string): boolean;
/** The API group of an `apiVersion`; empty for the core group. */
export declare function groupOf(apiVersion: string): string;
