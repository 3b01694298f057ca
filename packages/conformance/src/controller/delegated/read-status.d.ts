import type { Resource } from '@kplug/controller';
import { type Handed } from './delegated-trial.ts';
/** A condition of a base. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}
export declare function conditionsOf(base: Resource): Condition[];
/**
 * After an answer that is to be refused, which has a field `refused` with a mark in each status, nothing of it is written by the
 * next call, and the user is told why.
 */
export declare function demandRefused(handed: Handed, mark: string): Promise<string>;
