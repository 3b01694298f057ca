import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Value of an attribute. */
export type SpanValue = string | number | boolean | readonly SpanValue[] | undefined;

/** Span as a process exported it. */
export interface ReceivedSpan {
  /** `service.name` of the process. */
  service: string;
  /** Attributes of the process. */
  resource: Readonly<Record<string, SpanValue>>;
  /** Name of the library that made the span. */
  scope: string;
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** 16 hexadecimal digits; empty for the root of a trace. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, SpanValue>>;
  status: { code: 'unset' | 'ok' | 'error'; message: string };
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const codes = ['unset', 'ok', 'error'] as const;

/** Field of a message: bytes, or a number. */
type Field = { no: number; bytes: Uint8Array; number?: never } | { no: number; number: number; bytes?: never };

/** Reads an `ExportTraceServiceRequest` of OTLP. Throws if it is malformed. */
export function readExportRequest(request: Uint8Array): ReceivedSpan[] {
  return messages(request, 1).flatMap((resourceSpans) => {
    const resource = readAttributes(first(resourceSpans, 1), 1);
    const service = String(resource['service.name'] ?? '');
    return messages(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = text(first(scopeSpans, 1), 1);
      return messages(scopeSpans, 2).map((span) => ({ service, resource, scope, ...readSpan(span) }));
    });
  });
}

function readSpan(span: Uint8Array): Omit<ReceivedSpan, 'service' | 'resource' | 'scope'> {
  const status = first(span, 15);
  return {
    traceId: hex(first(span, 1)),
    spanId: hex(first(span, 2)),
    parentSpanId: hex(first(span, 4)),
    traceState: text(span, 3),
    name: text(span, 5),
    kind: kinds[number(span, 6)] ?? 'unspecified',
    startedAt: number(span, 7) / 1e6,
    endedAt: number(span, 8) / 1e6,
    attributes: readAttributes(span, 9),
    status: { code: codes[number(status, 3)] ?? 'unset', message: text(status, 2) },
  };
}

function readAttributes(message: Uint8Array, no: number): Record<string, SpanValue> {
  return Object.fromEntries(messages(message, no).map((pair) => [text(pair, 1), readValue(first(pair, 2))]));
}

function readValue(value: Uint8Array): SpanValue {
  const [field] = fields(value);
  switch (field?.no) {
    case 1:
      return text(value, 1);
    case 2:
      return field.number === 1;
    case 3:
    case 4:
      return field.number;
    case 5:
      return messages(first(value, 5), 1).map(readValue);
    default:
      return undefined;
  }
}

function fields(message: Uint8Array): Field[] {
  const reader = new BinaryReader(message);
  const found: Field[] = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    found.push(readField(reader, no, type));
  }
  return found;
}

function readField(reader: BinaryReader, no: number, type: WireType): Field {
  switch (type) {
    case WireType.Varint:
      return { no, number: Number(reader.int64()) };
    case WireType.Bit64: {
      // Only a double and the times of a span have 64 bits; a time is a large integer, and never a sane double.
      const { pos } = reader;
      const double = reader.double();
      reader.pos = pos;
      const fixed = Number(reader.fixed64());
      return { no, number: no === 4 ? double : fixed };
    }
    case WireType.Bit32:
      return { no, number: reader.fixed32() };
    case WireType.LengthDelimited:
      return { no, bytes: reader.bytes() };
    default:
      throw new Error(`OTLP has no fields of the type ${type}`);
  }
}

function messages(message: Uint8Array, no: number): Uint8Array[] {
  return fields(message).flatMap((field) => (field.no === no && field.bytes ? [field.bytes] : []));
}

function first(message: Uint8Array, no: number): Uint8Array {
  return messages(message, no)[0] ?? new Uint8Array();
}

function number(message: Uint8Array, no: number): number {
  return fields(message).find((field) => field.no === no)?.number ?? 0;
}

function text(message: Uint8Array, no: number): string {
  return new TextDecoder().decode(first(message, no));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
