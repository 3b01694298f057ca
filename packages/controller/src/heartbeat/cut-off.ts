import type { EventEmitter } from 'node:events';
import { constants } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { http2StreamOf } from './http2-stream-of.ts';

const { cutOffGrace } = limits.watches;

/**
 * Ends a stream whose reader lags with RESOURCE_EXHAUSTED. A reader that doesn't read never gets to the status, and grpc-js would hold the
 * data before it for as long as the connection lives: after a while, the stream is reset, with a code that clients show as
 * RESOURCE_EXHAUSTED, too.
 */
export function cutOff(call: EventEmitter, message: string): void {
  call.emit('error', serviceError(grpc.status.RESOURCE_EXHAUSTED, message));
  resetUnread(call);
}

/** Resets a stream that has ended, if its reader doesn't read the end after a while. */
export function resetUnread(call: EventEmitter): void {
  const stream = http2StreamOf(call);
  if (!stream || stream.closed) return;
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), cutOffGrace);
  stream.once('close', () => clearTimeout(timer));
}
