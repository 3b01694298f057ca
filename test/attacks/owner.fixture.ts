import * as grpc from '@grpc/grpc-js';
import { newSecret } from './secured-operator.ts';

/** Metadata of one process, which owns the instances that it registers with it. */
export const owner = new grpc.Metadata();
owner.set('kplug-secret', newSecret());
