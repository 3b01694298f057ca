import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { OperationSchema, Progress } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { checkText } from '../answer-text.ts';
import type { CalledOperation, PluginProgress } from '../plugin-call.ts';

const { maxTokenSize } = limits.calls;

/** Encodes the operation of a call. */
export function encodeOperation({
  percentage,
  message,
  token,
  generation,
  since,
  isCancelled,
}: CalledOperation): MessageInitShape<typeof OperationSchema> {
  return {
    progress: { ...(percentage !== undefined && { percentage }), message, token },
    generation: BigInt(generation),
    startedAt: timestampFromMs(Date.parse(since)),
    cancelled: isCancelled,
  };
}

/** Decodes and checks the progress of an answer. Throws `InvalidResponse`. */
export function decodeProgress({ percentage, message, token }: Progress, outcome: string): PluginProgress {
  if (outcome !== 'retry') throw invalid('it returned progress with another outcome than RETRY');
  if (percentage !== undefined && percentage > 100)
    throw invalid(`it returned a progress of ${percentage} %; at most 100 % are possible`);
  const size = Buffer.byteLength(token);
  if (size > maxTokenSize) {
    const [has, limit] = [size, maxTokenSize].map((bytes) => bytes.toLocaleString('en'));
    throw invalid(`the token of its operation has ${has} bytes; at most ${limit} are allowed`);
  }
  return { percentage, message: checkText(message, 'its progress'), token };
}

function invalid(what: string): KplugError {
  return new KplugError('InvalidResponse', what);
}
