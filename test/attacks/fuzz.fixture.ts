import { type DescField, type DescMessage, type MessageInitShape, ScalarType } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect } from 'vitest';
import { unitOfWork } from '../scale/loop-meter.fixture.ts';

/** Longest time of one case, in units of a computation that takes about a millisecond. A case that hangs takes for ever. */
const maxUnits = 2_000;

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const namesOf = () => prototypes.map((prototype) => Object.getOwnPropertyNames(prototype));
const pristine = namesOf();

/**
 * Tries a property with generated values. A failure prints the seed and the smallest value. Besides the property itself, no case may take
 * long or change a prototype.
 */
export function fuzz<T>(values: fc.Arbitrary<T>, runs: number, property: (value: T) => void): void {
  const maxTime = maxUnits * unitOfWork();
  fc.assert(
    fc.property(values, (value) => {
      const used = cpuTime();
      property(value);
      expect(cpuTime() - used).toBeLessThan(maxTime);
    }),
    { numRuns: runs },
  );
  expect(namesOf()).toEqual(pristine);
}

/** As `fuzz`, for a property that waits. */
export async function fuzzAsync<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  property: (value: T) => Promise<void>,
): Promise<void> {
  await fc.assert(fc.asyncProperty(values, property), { numRuns: runs });
  expect(namesOf()).toEqual(pristine);
}

/** Runs a function that may throw errors of one class only. Returns its result, or `undefined` if it throws. */
export function orError<T>(run: () => T, ...allowed: (new (...args: never[]) => Error)[]): T | undefined {
  try {
    return run();
  } catch (error) {
    if (allowed.some((one) => error instanceof one)) return undefined;
    throw error;
  }
}

/** Words that are dangerous somewhere. */
const dangerous = [
  '',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  '-0',
  '1e999',
  '9007199254740993',
  '../../x',
  '%00',
  '\u0000',
  '\u202e',
  '\ud83d\ude00',
  'x'.repeat(300),
];

/** Any text, and words that are dangerous. */
export const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom(...dangerous));

/** Texts that consist of parts of a language, mixed with any text. */
export function textsOf(...parts: readonly string[]): fc.Arbitrary<string> {
  const part = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...parts) }, { weight: 1, arbitrary: anyText });
  return fc.array(part, { maxLength: 40 }).map((list) => list.join(''));
}

/** YAML: its indicators in any order, lines of mappings, and JSON. */
export const anyYaml: fc.Arbitrary<string> = fc.oneof(
  textsOf(
    ...[
      'a',
      'b',
      ': ',
      '- ',
      '? ',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '\n',
      '\n  ',
      '&a ',
      '*a',
      '!!str ',
      '!x ',
      '"',
      "'",
      '|\n',
      '>-\n',
      '# c\n',
    ],
    ...[
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '<<: ',
      '__proto__: ',
      'constructor: ',
      '1e999',
      '0x10',
      '.nan',
      '~',
      '\t',
      '\r\n',
      '2001-01-01',
    ],
  ),
  fc
    .array(
      fc.tuple(
        fc.constantFrom('', '  ', '    ', '- ', '  - '),
        fc.constantFrom('a', 'b', 'c', 'd', '"e"', '1', 'yes', '__proto__', '<<'),
        fc.constantFrom(
          '',
          ' 1',
          ' &a',
          ' *a',
          ' &a [1]',
          ' { x: *a }',
          ' |',
          ' "x"',
          ' !!int 1',
          ' 9007199254740993',
          ' [',
          ' ~ # c',
        ),
      ),
      { maxLength: 8 },
    )
    .map((lines) => lines.map(([indentation, key, value]) => `${indentation}${key}:${value}\n`).join('')),
  fc.jsonValue().map((value) => JSON.stringify({ value })),
);

/** JSON values with dangerous keys and numbers. */
export const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyText,
    fc.constantFrom(null, true, false, 0, -0, 1.5, 1e300, 2 ** 53, 9007199254740993n, -(2n ** 63n)),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(anyText, tie('value')), { maxLength: 4 }).map(objectOf),
  ),
})).value;

/** Objects with some of the given fields, whose values are the given or any ones. */
export function objectsWith(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, value]) =>
    fc.oneof(
      { weight: 6, arbitrary: value.map((one) => [[name, one]]) },
      { weight: 1, arbitrary: anyJson.map((one) => [[name, one]]) },
      { weight: 1, arbitrary: fc.constant([]) },
    ),
  );
  const more = fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(anyText, anyJson).map((one) => [one]) },
  );
  return fc.tuple(...entries, more).map((lists) => objectOf(lists.flat() as [string, unknown][]));
}

/** Makes an object of fields, of which one may be named `__proto__`. */
function objectOf(fields: readonly [string, unknown][]): Record<string, unknown> {
  const object = {};
  for (const [key, value] of fields)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** Messages of a type, with values of any kind in its fields. Texts of fields are the given or any ones. */
export function messagesOf<D extends DescMessage>(
  schema: D,
  texts: Readonly<Record<string, fc.Arbitrary<string>>> = {},
): fc.Arbitrary<MessageInitShape<D>> {
  return initsOf(schema, texts) as fc.Arbitrary<MessageInitShape<D>>;
}

/** Valid values of which up to two fields are replaced by those of any value. */
export function mostly<T extends object>(valid: T, any: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(any, fc.array(fc.nat(), { maxLength: 2 })).map(([other, picks]) => {
    const fields = Object.entries(other);
    const replaced = picks.flatMap((pick) => (fields.length > 0 ? [fields[pick % fields.length]] : []));
    return { ...valid, ...Object.fromEntries(replaced as [string, unknown][]) };
  });
}

function initsOf(schema: DescMessage, texts: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<object> {
  const fields = schema.fields.filter(({ oneof }) => oneof === undefined);
  const record = Object.fromEntries(fields.map((field) => [field.localName, valuesOf(field, texts)]));
  const oneofs = schema.oneofs.map((oneof) => [
    oneof.localName,
    fc.oneof(...oneof.fields.map((field) => valuesOf(field, texts).map((value) => ({ case: field.localName, value })))),
  ]);
  return fc.record({ ...record, ...Object.fromEntries(oneofs) }, { requiredKeys: [] });
}

function valuesOf(field: DescField, texts: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<unknown> {
  const scalar = (type: ScalarType) => scalarsOf(type, texts[field.localName]);
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar);
    case 'enum':
      return fc.integer({ min: 0, max: 8 });
    case 'message':
      return initsOf(field.message, texts);
    case 'list':
      if (field.listKind === 'message') return fc.array(initsOf(field.message, texts), { maxLength: 4 });
      return fc.array(field.listKind === 'scalar' ? scalar(field.scalar) : fc.integer({ min: 0, max: 8 }), {
        maxLength: 4,
      });
    case 'map': {
      const values =
        field.mapKind === 'message'
          ? initsOf(field.message, texts)
          : scalar(field.mapKind === 'scalar' ? field.scalar : ScalarType.INT32);
      return fc.dictionary(fc.oneof(texts[`${field.localName}.key`] ?? anyText, anyText), values, { maxKeys: 4 });
    }
  }
}

function scalarsOf(type: ScalarType, texts: fc.Arbitrary<string> | undefined): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return texts ? fc.oneof({ weight: 5, arbitrary: texts }, { weight: 1, arbitrary: anyText }) : anyText;
    case ScalarType.BYTES:
      return anyBytes;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.constantFrom(0n, 1n));
    default:
      return fc.integer({ min: 0, max: 2 ** 31 - 1 });
  }
}

const encoder = new TextEncoder();

/** Bytes: JSON, text or anything. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  anyJson.map((value) =>
    encoder.encode(JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? Number(inner) : inner))),
  ),
  anyText.map((text) => encoder.encode(text)),
  fc.uint8Array({ maxLength: 40 }),
);

/** Bytes of a message, changed at random places. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(
    fc.tuple(
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('set' as const, 'insert' as const, 'remove' as const, 'cut' as const, 'repeat' as const),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  return fc.tuple(bytes, edits).map(([original, changes]) => {
    let changed = [...original];
    for (const [place, value, edit] of changes) {
      const at = changed.length === 0 ? 0 : place % changed.length;
      changed = edited[edit]([changed.slice(0, at), changed.slice(at)], value);
    }
    return Uint8Array.from(changed);
  });
}

/** Changes at one place, by what is before and after it. */
const edited = {
  set: ([before, after]: [number[], number[]], value: number) => [...before, value, ...after.slice(1)],
  insert: ([before, after]: [number[], number[]], value: number) => [...before, value, ...after],
  remove: ([before, after]: [number[], number[]]) => [...before, ...after.slice(1)],
  cut: ([before]: [number[], number[]]) => before,
  repeat: ([before, after]: [number[], number[]]) => [...before, ...after, ...after],
};

/** CPU time of this thread, in milliseconds. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
