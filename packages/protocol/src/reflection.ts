import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { repairDescriptor } from './repair-descriptor.ts';

/**
 * Adds server reflection, so that tools such as grpcurl need no copy of the `.proto` files. It lists the given services and itself.
 *
 * @param definitions services whose definitions come from proto-loader, such as that of `grpc-health-check`.
 */
export function addReflection(
  server: Server,
  services: readonly DescService[],
  definitions: readonly ServiceDefinition[] = [],
): void {
  const files = new Map<string, Buffer>();
  for (const service of services) collect(service.file, files);
  const loaded = [...definitions, ...reflectionDefinitions()];
  const names = [...services.map(({ typeName }) => typeName), ...loaded.map(nameOf)];
  // Without names, it would list every service of the files, served or not.
  const reflection = new ReflectionService(packageOf([...files.values(), ...loaded.flatMap(filesOf)]), {
    services: names,
  });
  reflection.addToServer(server);
}

/** Returns the definitions of the reflection services. The library only gives them to a server. */
function reflectionDefinitions(): ServiceDefinition[] {
  const definitions: ServiceDefinition[] = [];
  const recorder: Pick<Server, 'addService'> = { addService: (definition) => void definitions.push(definition) };
  new ReflectionService(packageOf([])).addToServer(recorder);
  return definitions;
}

function collect(file: DescFile, files: Map<string, Buffer>): void {
  // Imports refer to `file.proto.name`; `file.name` lacks the suffix.
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  for (const dependency of file.dependencies) collect(dependency, files);
}

/** Returns a package as proto-loader makes it. `@grpc/reflection` reads only its file descriptors. */
function packageOf(fileDescriptorProtos: Buffer[]): ConstructorParameters<typeof ReflectionService>[0] {
  return { kplug: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos } };
}

/** Returns the name of a service, which is in the path of each of its methods. */
function nameOf(definition: ServiceDefinition): string {
  return Object.values(definition)[0]?.path.split('/')[1] ?? '';
}

/** Returns the file descriptors that proto-loader keeps at the types of each method. */
function filesOf(definition: ServiceDefinition): Buffer[] {
  const [method] = Object.values(definition);
  if (!method || !('requestType' in method)) return [];
  return (method.requestType as { fileDescriptorProtos: Buffer[] }).fileDescriptorProtos.map(repairDescriptor);
}
