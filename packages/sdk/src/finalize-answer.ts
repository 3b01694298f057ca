import type { MessageInitShape, Message as ProtobufMessage } from '@bufbuild/protobuf';
import type { FinalizeResponseSchema } from '@kplug/protocol';

/** Response to Finalize, whose fields every response to Reconcile has too. */
export type FinalizeAnswer = Exclude<MessageInitShape<typeof FinalizeResponseSchema>, ProtobufMessage>;
