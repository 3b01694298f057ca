import { create, toBinary } from '@bufbuild/protobuf';
import { HeartbeatRequestSchema, RegistrationSchema, SessionRequestSchema } from '@kplug/protocol';

/** Address of an instance. */
export function hostOf(index: number): string {
  return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
}

/** Creates the registration of an instance, of one of a hundred implementations. @param certificate in DER; empty for none. */
export function registration(index: number, certificate: Uint8Array = new Uint8Array()) {
  return create(RegistrationSchema, {
    plugin: `PostgreSQL${index % 10}`,
    version: `1.${Math.floor(index / 10) % 10}.0`,
    apis: [
      {
        name: 'DatabaseTable',
        version: '1.0.0',
        extensionKinds: [{ group: 'myorg.org', kind: 'DatabaseTablePostgreSqlExtension' }],
      },
    ],
    address: `${hostOf(index)}:7000`,
    instanceId: `0f8fad5b-d9cb-469f-a165-${String(index).padStart(12, '0')}`,
    certificate,
  });
}

/** Encodes the unary heartbeat of an instance. */
export function heartbeatBytes(index: number, certificate?: Uint8Array): Uint8Array {
  const request = { registration: registration(index, certificate) };
  return toBinary(HeartbeatRequestSchema, create(HeartbeatRequestSchema, request));
}

/** Encodes the first message of the session of an instance. */
export function sessionStartBytes(index: number, certificate?: Uint8Array): Uint8Array {
  const message = { case: 'registration' as const, value: registration(index, certificate) };
  return toBinary(SessionRequestSchema, create(SessionRequestSchema, { message }));
}

/** Encoded heartbeat in a session. */
export function sessionHeartbeatBytes(): Uint8Array {
  return toBinary(SessionRequestSchema, create(SessionRequestSchema, { message: { case: 'beat', value: {} } }));
}
