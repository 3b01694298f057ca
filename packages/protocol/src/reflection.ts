import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

/** Adds server reflection for services, so that tools such as grpcurl need no copy of the `.proto` files. */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Map<string, Buffer>();
  for (const service of services) collect(service.file, files);
  // @grpc/reflection takes the definitions of proto-loader, and reads only their file descriptors.
  const definition = {
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: [...files.values()],
  };
  new ReflectionService({ kplug: definition }).addToServer(server);
}

function collect(file: DescFile, files: Map<string, Buffer>): void {
  // Imports refer to `file.proto.name`; `file.name` lacks the suffix.
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  for (const dependency of file.dependencies) collect(dependency, files);
}
