import { create } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import { messageOf, readMessage, tooLarge, type WorkResponse, WorkResponseSchema } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';

const { maxAnswerFields } = limits.calls;
const idField = WorkResponseSchema.field.id.number;

/**
 * Decodes a response on a stream. One that is too large or malformed becomes the error of its call, so that it ends that call only.
 * Never throws. The id is 0, which no call has, if it can't be read.
 *
 * @param maxSize in bytes.
 */
export function readWorkResponse(bytes: Uint8Array, maxSize: number): WorkResponse {
  if (bytes.length > maxSize) {
    const { code, details } = tooLarge(bytes.length, maxSize);
    return failed(bytes, code, details);
  }
  try {
    return readMessage(WorkResponseSchema, bytes, maxAnswerFields);
  } catch (error) {
    return failed(bytes, grpc.status.INTERNAL, `the response is malformed: ${messageOf(error)}`);
  }
}

function failed(bytes: Uint8Array, code: grpc.status, message: string): WorkResponse {
  return create(WorkResponseSchema, { id: readId(bytes), answer: { case: 'error', value: { code, message } } });
}

/** Reads the id of a response whose other fields may be malformed. */
function readId(bytes: Uint8Array): number {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === idField && type === WireType.Varint) return reader.uint32();
      reader.skip(type, field);
    }
    return 0;
  } catch {
    return 0;
  }
}
