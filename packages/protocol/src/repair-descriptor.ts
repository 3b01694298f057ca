import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/**
 * Repairs a file descriptor that proto-loader wrote, for clients of reflection that check it: types get full names instead of relative
 * ones, and the entries of maps get the names that protoc gives them.
 */
export function repairDescriptor(fileDescriptorProto: Uint8Array): Buffer {
  const file = fromBinary(FileDescriptorProtoSchema, fileDescriptorProto);
  const messages = messagesOf(file);
  const types = new Set<string>();
  for (const { name } of file.enumType) types.add(`${scopeOf(file)}.${name}`);
  for (const [name, message] of messages) {
    types.add(name);
    for (const type of message.enumType) types.add(`${name}.${type.name}`);
  }
  for (const [name, message] of messages) {
    for (const field of message.field) field.typeName = resolve(field.typeName, name, types);
    renameMapEntries(name, message);
  }
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
}

function renameMapEntries(scope: string, message: DescriptorProto): void {
  for (const entry of message.nestedType) {
    if (!entry.options?.mapEntry || entry.name.endsWith('Entry')) continue;
    const former = `${scope}.${entry.name}`;
    entry.name += 'Entry';
    for (const field of message.field) if (field.typeName === former) field.typeName += 'Entry';
  }
}

/** Returns all messages of a file by their full names, with a leading dot. */
function messagesOf(file: FileDescriptorProto): [string, DescriptorProto][] {
  const found: [string, DescriptorProto][] = [];
  const visit = (scope: string, messages: readonly DescriptorProto[]) => {
    for (const message of messages) {
      const name = `${scope}.${message.name}`;
      found.push([name, message]);
      visit(name, message.nestedType);
    }
  };
  visit(scopeOf(file), file.messageType);
  return found;
}

/** Resolves a name from the innermost scope outwards. Returns it unchanged if it is no type of the file. */
function resolve(name: string, scope: string, types: ReadonlySet<string>): string {
  if (name === '' || name.startsWith('.')) return name;
  for (let outer = scope; ; outer = outer.slice(0, outer.lastIndexOf('.'))) {
    const candidate = `${outer}.${name}`;
    if (types.has(candidate)) return candidate;
    if (outer === '') return name;
  }
}

function scopeOf(file: FileDescriptorProto): string {
  return file.package && `.${file.package}`;
}
