import { type DescField, type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Default maximum number of fields of a message: enough for a page of any list. */
const defaultMaxFields = 100_000;

/**
 * Decodes a message. A field may take two bytes and becomes an object of a hundred, so the fields are counted first, at all depths. Throws
 * an `Error` when there are more than `maxFields`, or the message is malformed.
 */
export function readMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  maxFields: number = defaultMaxFields,
): MessageShape<D> {
  if (bytes.length > 2 * maxFields && new FieldCounter(bytes, maxFields).isExceededBy(schema))
    throw new Error(`the message has more than ${maxFields.toLocaleString('en')} fields`);
  return fromBinary(schema, bytes);
}

const indexes = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

/** Counts the fields of a message without decoding them. */
class FieldCounter {
  readonly #reader: BinaryReader;
  readonly #max: number;
  #count = 0;

  constructor(bytes: Uint8Array, max: number) {
    this.#reader = new BinaryReader(bytes);
    this.#max = max;
  }

  isExceededBy(schema: DescMessage): boolean {
    try {
      this.#countIn(schema, this.#reader.len);
    } catch {
      // The decoder reports what is malformed.
    }
    return this.#count > this.#max;
  }

  /** Counts fields up to a position. Types of messages don't contain themselves, so the recursion is limited. */
  #countIn(schema: DescMessage | undefined, end: number): void {
    const reader = this.#reader;
    while (reader.pos < end && this.#count <= this.#max) {
      const [number, type] = reader.tag();
      this.#count++;
      const field = schema && fieldsOf(schema).get(number);
      if (type === WireType.LengthDelimited && field?.fieldKind === 'map') this.#countEntry(field);
      else if (type === WireType.LengthDelimited && field?.message) this.#countInner(field.message);
      else reader.skip(type, number);
    }
  }

  #countInner(schema: DescMessage): void {
    const length = this.#reader.uint32();
    this.#countIn(schema, this.#reader.pos + length);
  }

  /** Counts a pair of a map, whose second field is the value. */
  #countEntry(field: DescField & { fieldKind: 'map' }): void {
    const reader = this.#reader;
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end && this.#count <= this.#max) {
      const [number, type] = reader.tag();
      this.#count++;
      if (number === 2 && type === WireType.LengthDelimited && field.message) this.#countInner(field.message);
      else reader.skip(type, number);
    }
  }
}

function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  let index = indexes.get(schema);
  if (!index) {
    index = new Map(schema.fields.map((field) => [field.number, field]));
    indexes.set(schema, index);
  }
  return index;
}
