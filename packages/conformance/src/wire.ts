import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';

/** Codec of messages that this file reads, or that are deliberately malformed. */
const bytes = (buffer: Buffer) => buffer;

/** `grpc.health.v1.Health` with its messages as bytes, for servers that answer correctly or deliberately wrongly. */
export const healthService: grpc.ServiceDefinition = {
  check: healthMethod('Check', false),
  watch: healthMethod('Watch', true),
};

function healthMethod(name: string, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

/** Calls a method with arbitrary bytes. Rejects with the gRPC error. */
export function callWithBytes(
  client: grpc.Client,
  path: string,
  request: Uint8Array,
  timeout: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + timeout;
    client.makeUnaryRequest(path, bytes, bytes, Buffer.from(request), { deadline }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}

/** Returns the health of the server, or of one service, by `Check`. Rejects with the gRPC error. */
export async function checkHealth(client: grpc.Client, timeout: number, service = ''): Promise<string> {
  const request = new BinaryWriter();
  // HealthCheckRequest.service
  if (service) request.tag(1, WireType.LengthDelimited).string(service);
  return healthOf(await callWithBytes(client, '/grpc.health.v1.Health/Check', request.finish(), timeout));
}

/** Returns the first health of the server by `Watch`. Rejects with the gRPC error. */
export function watchHealth(client: grpc.Client, timeout: number): Promise<string> {
  const deadline = Date.now() + timeout;
  const path = '/grpc.health.v1.Health/Watch';
  const stream = client.makeServerStreamRequest(path, bytes, bytes, Buffer.alloc(0), { deadline });
  return first(stream, healthOf);
}

/** Returns the services that server reflection lists. Rejects with the gRPC error. */
export async function listServices(client: grpc.Client, timeout: number): Promise<string[]> {
  try {
    return await reflect(client, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', timeout);
  } catch (error) {
    if ((error as grpc.ServiceError).code !== grpc.status.UNIMPLEMENTED) throw error;
    return reflect(client, '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', timeout);
  }
}

function reflect(client: grpc.Client, path: string, timeout: number): Promise<string[]> {
  const stream = client.makeBidiStreamRequest(path, bytes, bytes, { deadline: Date.now() + timeout });
  // ServerReflectionRequest.list_services = "*"
  stream.write(Buffer.from([0x3a, 0x01, 0x2a]));
  return first(stream, (answer) => {
    // ServerReflectionResponse.list_services_response.service.name
    const lists = fieldsOf(answer, 6).flatMap((list) => fieldsOf(list, 1));
    return lists.flatMap((service) => fieldsOf(service, 1)).map((name) => Buffer.from(name).toString());
  });
}

function first<T>(stream: grpc.ClientReadableStream<Buffer>, read: (answer: Buffer) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    stream.on('data', (answer: Buffer) => {
      resolve(read(answer));
      stream.cancel();
    });
    stream.on('error', reject);
    stream.on('end', () => reject(serviceError(grpc.status.INTERNAL, 'the stream ended without an answer')));
  });
}

/** HealthCheckResponse.status */
function healthOf(answer: Uint8Array): string {
  const [status = 0] = numbersOf(answer, 1);
  return ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'][status] ?? `status ${status}`;
}

function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}

function numbersOf(message: Uint8Array, wanted: number): number[] {
  const reader = new BinaryReader(message);
  const found: number[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.Varint) found.push(reader.uint32());
    else reader.skip(type, number);
  }
  return found;
}
