import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { formatJson, narrowIntegers, parseJson } from './json.ts';

const maxInt64 = 9223372036854775807n;

describe('parseJson', () => {
  it('keeps integers of 64 bits exact, as bigint where a number is not', () => {
    const text =
      '{"max":9223372036854775807,"min":-9223372036854775808,"over":9007199254740993,"safe":9007199254740991}';
    expect(parseJson(text)).toEqual({ max: maxInt64, min: -maxInt64 - 1n, over: 9007199254740993n, safe: 2 ** 53 - 1 });
    expect(formatJson(parseJson(text))).toBe(text);
    expect(parseJson('9223372036854775807')).toBe(maxInt64);
    expect(parseJson('[-9007199254740992]')).toEqual([-9007199254740992n]);
  });

  it('rounds what is no integer of 64 bits, as Kubernetes does', () => {
    expect(parseJson('[9223372036854775808,18446744073709551615,-9223372036854775809]')).toEqual([
      2 ** 63,
      2 ** 64,
      -(2 ** 63),
    ]);
    expect(parseJson('[1.00000000000000000001,1e18,1E5,0.1,-0.0,123456789012345678.5]')).toEqual([
      1, 1e18, 100000, 0.1, -0, 123456789012345680,
    ]);
  });

  it('rejects numbers that are out of range instead of reading infinity', () => {
    for (const text of ['1e400', '{"a": [-1E+400]}', `[${'9'.repeat(400)}]`, '{"a":1.5e1000\n}']) {
      expect(() => parseJson(text)).toThrow(/out of range/);
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
    expect(parseJson('[1e-400,1e308,0e999]')).toEqual([0, 1e308, 0]);
  });

  it('leaves text alone that only looks like numbers', () => {
    const value = {
      '1234567890123456789': '1234567890123456789',
      text: ': 12345678901234567, 1e400,',
      list: [],
    };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
    expect(Object.keys(parseJson('{"__proto__":{"a":9007199254740993}}') as object)).toEqual(['__proto__']);
  });

  it('reads whatever formatJson writes', () => {
    const integers = fc.bigInt({ min: -maxInt64 - 1n, max: maxInt64 });
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        integers.filter((value) => !Number.isSafeInteger(Number(value))),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 2), (value, indent) => {
        expect(parseJson(formatJson(value, indent))).toEqual(value);
      }),
    );
  });

  it('parses an integer as Kubernetes does, whatever its length', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const parsed = parseJson(`{"a":[${value}]}`) as { a: [number | bigint] };
        const isInt64 = BigInt.asIntN(64, value) === value;
        expect(isInt64 ? BigInt(parsed.a[0]) : parsed.a[0]).toBe(isInt64 ? value : Number(value));
      }),
    );
  });
});

describe('formatJson', () => {
  afterEach(() => {
    Reflect.deleteProperty(BigInt.prototype, 'toJSON');
  });

  it('writes bigint as integers, even where a program makes strings of them', () => {
    const value = { a: [maxInt64], at: new Date(0), none: undefined, small: 1n };
    const text = '{"a":[9223372036854775807],"at":"1970-01-01T00:00:00.000Z","small":1}';
    expect(formatJson(value)).toBe(text);
    Object.assign(BigInt.prototype, { toJSON: () => 'changed' });
    expect(formatJson(value)).toBe(text);
    expect(formatJson([1n], 2)).toBe('[\n  1\n]');
  });

  it('rejects integers that do not fit in 64 bits, and values that JSON does not have', () => {
    expect(() => formatJson({ size: maxInt64 + 1n })).toThrow(
      'size is 9223372036854775808, which does not fit in 64 bits',
    );
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => formatJson(circular)).toThrow(/circular/);
  });
});

it('refuses a text with large integers that is nested too deep, as malformed', () => {
  const text = `${'['.repeat(100_000)}1234567890123456789${']'.repeat(100_000)}`;
  expect(() => parseJson(text)).toThrow(new SyntaxError('the JSON is nested too deep'));
});

describe('narrowIntegers', () => {
  it('keeps bigint only where a number is not exact', () => {
    expect(narrowIntegers({ a: [1n, 2n ** 60n, { b: 2n ** 64n }], c: 'text', d: null })).toEqual({
      a: [1, 2n ** 60n, { b: 2 ** 64 }],
      c: 'text',
      d: null,
    });
    expect(narrowIntegers(5n)).toBe(5);
  });
});
