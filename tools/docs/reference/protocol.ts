import { execFileSync } from 'node:child_process';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

const protocol = 'kplug.v1';

/** Numbers of the fields of a descriptor that have the elements of a file, for the paths of comments. */
const numbers = { messages: 4, enums: 5, services: 6, fields: 2, nested: 3, nestedEnums: 4, values: 2, methods: 2 };

/** Comment of the element at a path of a file, in Markdown. */
type Comments = (path: readonly number[]) => string;

/** Page of the protocol, from the comments of `proto/`. */
export function protocolPage(): GeneratedPage {
  const image = execFileSync('buf', ['build', '--as-file-descriptor-set', '-o', '-'], { maxBuffer: 64 * 1024 * 1024 });
  const files = fromBinary(FileDescriptorSetSchema, image).file.filter((file) => file.package === protocol);
  const described = files.map((file) => ({ file, comments: commentsOf(file) }));
  const services = described.flatMap(({ file, comments }) =>
    file.service.map((service, index) => serviceSection(service, [numbers.services, index], comments)),
  );
  const types = described.flatMap(({ file, comments }) => typesOf(file, comments));
  const sections = types.sort((one, other) => (one.name < other.name ? -1 : 1)).flatMap(({ section }) => section);
  const content = page(
    '# Protocol',
    generatedBy('`proto/kplug/v1`'),
    [
      `Services, messages and enums of \`${protocol}\`, from the comments of [\`proto/kplug/v1\`](../../proto/kplug/v1). The`,
      '[plugin specification](../plugin-specification.md) says how plugins and controllers use them.',
    ],
    '## Services',
    ...services.flat(),
    '## Messages and enums',
    ...sections,
  );
  return { file: 'docs/reference/protocol.md', content };
}

interface Section {
  name: string;
  section: (string | string[])[];
}

function typesOf(file: FileDescriptorProto, comments: Comments): Section[] {
  return [
    ...file.messageType.flatMap((message, index) => messageSections(message, '', [numbers.messages, index], comments)),
    ...file.enumType.map((one, index) => enumSection(one, '', [numbers.enums, index], comments)),
  ];
}

function serviceSection(
  service: ServiceDescriptorProto,
  path: readonly number[],
  comments: Comments,
): (string | string[])[] {
  const rows = service.method.map((method, index) => {
    const input = `${method.clientStreaming ? 'stream of ' : ''}${linkTo(method.inputType)}`;
    const output = `${method.serverStreaming ? 'stream of ' : ''}${linkTo(method.outputType)}`;
    return [code(method.name), input, output, cell(comments([...path, numbers.methods, index]))];
  });
  return [`### ${service.name}`, comments(path), table(['method', 'request', 'response', 'meaning'], rows)];
}

/** Sections of a message and its nested types. Entries of maps are shown at their fields. */
function messageSections(
  message: DescriptorProto,
  parent: string,
  path: readonly number[],
  comments: Comments,
): Section[] {
  const name = parent + message.name;
  const rows = message.field.map((field, index) => {
    const oneof =
      field.oneofIndex === undefined || field.proto3Optional ? '' : message.oneofDecl[field.oneofIndex]?.name;
    const meaning = cell(comments([...path, numbers.fields, index]));
    return [
      code(field.name),
      typeOf(field, message),
      [oneof && `One of \`${oneof}\`.`, meaning].filter(Boolean).join(' '),
    ];
  });
  const section = [
    `### ${name}`,
    comments(path),
    rows.length > 0 ? table(['field', 'type', 'meaning'], rows) : 'The message has no fields.',
  ];
  return [
    { name, section },
    ...message.nestedType.flatMap((nested, index) =>
      nested.options?.mapEntry ? [] : messageSections(nested, `${name}.`, [...path, numbers.nested, index], comments),
    ),
    ...message.enumType.map((one, index) =>
      enumSection(one, `${name}.`, [...path, numbers.nestedEnums, index], comments),
    ),
  ];
}

function enumSection(one: EnumDescriptorProto, parent: string, path: readonly number[], comments: Comments): Section {
  const rows = one.value.map((value, index) => [
    code(value.name),
    String(value.number),
    cell(comments([...path, numbers.values, index])),
  ]);
  const name = parent + one.name;
  return { name, section: [`### ${name}`, comments(path), table(['value', 'number', 'meaning'], rows)] };
}

function typeOf(field: FieldDescriptorProto, message: DescriptorProto): string {
  const entry = message.nestedType.find(
    ({ name, options }) => options?.mapEntry && field.typeName.endsWith(`.${message.name}.${name}`),
  );
  if (entry) {
    const [key, value] = entry.field;
    return key && value ? `map of ${elementType(key)} to ${elementType(value)}` : '';
  }
  const prefix =
    field.label === FieldDescriptorProto_Label.REPEATED ? 'list of ' : field.proto3Optional ? 'optional ' : '';
  return prefix + elementType(field);
}

function elementType(field: FieldDescriptorProto): string {
  return field.typeName ? linkTo(field.typeName) : code(FieldDescriptorProto_Type[field.type].toLowerCase());
}

/** Link to the section of a type of the protocol. Types of others, such as timestamps, have no section. */
function linkTo(typeName: string): string {
  const name = typeName.replace(/^\./, '');
  if (!name.startsWith(`${protocol}.`)) return code(name);
  const local = name.slice(protocol.length + 1);
  return `[\`${local}\`](#${local.toLowerCase().replaceAll('.', '')})`;
}

function commentsOf({ sourceCodeInfo }: FileDescriptorProto): Comments {
  const comments = new Map(
    (sourceCodeInfo?.location ?? []).map(({ path, leadingComments }) => [path.join('.'), leadingComments]),
  );
  return (path) => {
    const lines = (comments.get(path.join('.')) ?? '').split('\n').map((line) => line.replace(/^ /, '').trimEnd());
    return lines.join('\n').trim();
  };
}
