import * as grpc from '@grpc/grpc-js';
import { type Level, type Requirement } from './requirement.ts';

interface Called {
  /** How long a call was given, in milliseconds. */
  timeout: number;
  calls: readonly {
    method: string;
    error?: grpc.ServiceError;
  }[];
}
/** That no call ran into its deadline, of whichever protocol it was. */
export declare function answersInTime(number: string, level: Level): Requirement<Called>;
