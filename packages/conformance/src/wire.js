import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';

/** Passes bytes on as they are, for calls whose messages are read here, or are none. */
const bytes = (buffer) => buffer;
/** `grpc.health.v1.Health` with its messages as bytes, for a server that answers well or wrongly on purpose. */
export const healthService = {
  check: healthMethod('Check', false),
  watch: healthMethod('Watch', true),
};
function healthMethod(name, responseStream) {
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
/** Calls a method with bytes, whatever they are. Rejects with the gRPC error. */
export function callWithBytes(client, path, request, within) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + within;
    client.makeUnaryRequest(path, bytes, bytes, Buffer.from(request), { deadline }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? Buffer.alloc(0));
    });
  });
}
/** Asks `grpc.health.v1.Health` about the server as a whole, or one service, by `Check`. Rejects with the gRPC error. */
export async function checkHealth(client, within, service = '') {
  const request = new BinaryWriter();
  // HealthCheckRequest.service
  if (service) request.tag(1, WireType.LengthDelimited).string(service);
  return healthOf(await callWithBytes(client, '/grpc.health.v1.Health/Check', request.finish(), within));
}
/** The first thing that a watch of the server's health says. Rejects with the gRPC error. */
export function watchHealth(client, within) {
  const deadline = Date.now() + within;
  const path = '/grpc.health.v1.Health/Watch';
  const stream = client.makeServerStreamRequest(path, bytes, bytes, Buffer.alloc(0), { deadline });
  return first(stream, healthOf);
}
/** The services that server reflection lists. Rejects with the gRPC error. */
export async function listServices(client, within) {
  try {
    return await reflect(client, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', within);
  } catch (error) {
    if (error.code !== grpc.status.UNIMPLEMENTED) throw error;
    return reflect(client, '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', within);
  }
}
function reflect(client, path, within) {
  const stream = client.makeBidiStreamRequest(path, bytes, bytes, { deadline: Date.now() + within });
  // ServerReflectionRequest.list_services = "*"
  stream.write(Buffer.from([0x3a, 0x01, 0x2a]));
  return first(stream, (answer) => {
    // ServerReflectionResponse.list_services_response.service.name
    const lists = fieldsOf(answer, 6).flatMap((list) => fieldsOf(list, 1));
    return lists.flatMap((service) => fieldsOf(service, 1)).map((name) => Buffer.from(name).toString());
  });
}
function first(stream, read) {
  return new Promise((resolve, reject) => {
    stream.on('data', (answer) => {
      resolve(read(answer));
      stream.cancel();
    });
    stream.on('error', reject);
    stream.on('end', () => reject(serviceError(grpc.status.INTERNAL, 'the stream ended without an answer')));
  });
}
/** HealthCheckResponse.status */
function healthOf(answer) {
  const [status = 0] = numbersOf(answer, 1);
  return ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'][status] ?? `status ${status}`;
}
function fieldsOf(message, wanted) {
  const reader = new BinaryReader(message);
  const found = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}
function numbersOf(message, wanted) {
  const reader = new BinaryReader(message);
  const found = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted && type === WireType.Varint) found.push(reader.uint32());
    else reader.skip(type, number);
  }
  return found;
}
//# sourceMappingURL=wire.js.map
