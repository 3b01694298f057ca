import type { EventEmitter } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { type AttachmentService, type GrpcHandlers, serviceError } from '@kplug/protocol';
import type { Attachments } from '../attachments/attachments.ts';
import type { TunnelStream } from '../attachments/tunnel.ts';
import { limits } from '../limits/limits.ts';
import type { ConnectionSecurity } from '../ports/connection.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import { bearerOf } from './bearer.ts';
import type { HeartbeatSecurity } from './gate.ts';
import type { PeerCall } from './registry-service.ts';

/** Parts of the service of attachments. */
export interface AttachmentServiceParts {
  attachments: Attachments;
  security: HeartbeatSecurity;
  /** Returns the connection over which a call came. */
  connectionOf: (call: PeerCall) => ConnectionSecurity;
  /** Called with the stream of each tunnel. */
  opened: (stream: EventEmitter) => void;
  /** Called with each call whose token was accepted. */
  accepted: (call: PeerCall) => void;
  /** Called with the key of an attachment whose tunnel opened or ended. */
  onTunnel: (key: string) => void;
}

const { maxFrameSize } = limits.attachments;

const nothing = new Uint8Array();

/** Handlers of `kplug.v1.AttachmentService`. */
export function attachmentService(parts: AttachmentServiceParts): GrpcHandlers<typeof AttachmentService> {
  const { attachments, security, connectionOf, opened, accepted, onTunnel } = parts;
  return {
    tunnel: (call) => {
      const fail = (code: grpc.status, reason: string) => call.emit('error', serviceError(code, reason));
      if (security === 'secured' && !connectionOf(call).encrypted) {
        return void fail(
          grpc.status.UNAUTHENTICATED,
          'the connection is in plain text, and this operator requires TLS',
        );
      }
      const key = String(call.metadata.get('kplug-attachment')[0] ?? '');
      let tunnel: ReturnType<Attachments['tunnelOf']>;
      try {
        tunnel = attachments.tunnelOf(key, bearerOf(call.metadata));
      } catch (error) {
        if (!(error instanceof RefusedRegistration)) throw error;
        return void fail(grpc.status.UNAUTHENTICATED, error.message);
      }
      accepted(call);
      opened(call);
      const stream: TunnelStream = {
        send: (frame) => call.write(frame),
        // A user who doesn't read misses notices.
        notify: (notice) => {
          if (!call.writableNeedDrain) call.write({ notice });
        },
        setPaused: (isPaused) => void (isPaused ? call.pause() : call.resume()),
        end: (reason) => void fail(grpc.status.ABORTED, reason),
      };
      const onEnd = () => {
        if (tunnel.ended(stream)) onTunnel(key);
      };
      call.on('data', ({ connection, data, end }) => {
        if (data.length > maxFrameSize)
          stream.end(`a message has ${data.length} bytes; at most ${maxFrameSize} are allowed`);
        else tunnel.receive(stream, { connection, data, end });
      });
      call.on('drain', () => tunnel.drained(stream));
      call.on('end', () => {
        onEnd();
        call.end();
      });
      call.on('cancelled', onEnd);
      call.on('error', onEnd);
      tunnel.open(stream);
      call.write({ connection: 0, data: nothing, end: false });
      onTunnel(key);
    },
  };
}
