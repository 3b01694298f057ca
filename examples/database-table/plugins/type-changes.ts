import { beforeEach, describe, expect, it } from 'vitest';
import { toDatabaseColumns } from '../column-types.ts';
import type { TableExtensions } from '../table.ts';
import { failure, type Subject } from './contract.ts';
import { inputOf } from './testing.ts';

/** Access to the values of a database, for the tests of changes of types. */
export interface Values {
  /** Literal in SQL for a value of a type; `undefined` if the type doesn't have it. Bytes are given in hexadecimal. */
  literal(type: string, value: string): string | undefined;
  /** Expression in SQL for the exact text of a column. Bytes are in hexadecimal. */
  text(column: string, type: string): string;
  /** Types that have no type of their own in the database, with the more general one. */
  storedAs?: Record<string, string>;
}

/** Values whose conversion is difficult, by type. */
const samples: Record<string, string[]> = {
  uint64: ['0', '1', '2', '9007199254740993', '1152921504606846976', '9223372036854775808', '18446744073709551615'],
  int64: [
    ...['-1', '0', '1', '2', '2147483648', '9007199254740993', '1152921504606846976'],
    ...['9223372036854775807', '-9223372036854775808'],
  ],
  int32: ['-1', '0', '1', '2', '2147483647', '-2147483648'],
  float64: [
    ...['0', '-0.0', '1', '2', '1.7', '-1.5', '0.1', '0.30000000000000004', '1e20', '1.8446744073709552e19'],
    ...[
      '9.223372036854775807e18',
      '-9.223372036854775808e18',
      '1e300',
      '1.7976931348623157e308',
      '1e-7',
      'NaN',
      'Infinity',
    ],
  ],
  string: [
    ...[
      '',
      '0',
      '1',
      '7',
      '007',
      ' 7',
      '7 ',
      '-0',
      '1.5',
      '1.50',
      '1.0',
      '1e5',
      '1e+20',
      'NaN',
      'true',
      't',
      'abc',
      'ABC',
    ],
    ...[
      '9223372036854775808',
      '18446744073709551616',
      '1.10',
      '{"a": 1}',
      '{"a":1}',
      '{"a": 1, "a": 2}',
      '[1]',
      'null',
    ],
    ...['2024-01-02 03:04:05.123456+00', '2024-01-02 03:04:05.123456', '2024-01-02T03:04:05Z', 'now', 'infinity'],
    ...[
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
      '\\x41',
      'é😀',
      'a\0b',
      'long '.repeat(80),
    ],
  ],
  bytes: ['', '61', '616263', 'ff', '00', '610062', 'c3a9', 'c3', '5c783431', 'f09f9880', '37'],
  bool: ['true', 'false'],
  timestamp: ['2024-01-02 03:04:05.123456', '1970-01-01 00:00:00', '9999-12-31 23:59:59.999999', 'infinity'],
  json: [
    '7',
    '7.0',
    '-0',
    '1',
    '0',
    '1.5',
    '1.50',
    '"abc"',
    'null',
    'true',
    'false',
    '{"b": 1, "a": [1.50]}',
    '{"a":1}',
    '12345678901234567890',
  ],
  uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000'],
  'decimal(12,2)': ['0.00', '1.00', '2.00', '1.50', '0.10', '-1.99', '9999999999.99'],
  'decimal(38,10)': ['0.0000000000', '1.0000000000', '0.1000000000', '0.1234567891', '12345678901234567890.0000000001'],
};

/** Outcomes that all databases have in common, unless they store both types alike. */
const expectations: [from: string, to: string, value: string, kept: boolean][] = [
  ['float64', 'int32', '1.7', false],
  ['float64', 'int32', '1', true],
  ['float64', 'int64', '-1.5', false],
  ['float64', 'int64', '9.223372036854775807e18', false],
  ['float64', 'int64', '-9.223372036854775808e18', true],
  ['float64', 'uint64', '1.8446744073709552e19', false],
  ['float64', 'decimal(12,2)', '0.1', true],
  ['float64', 'decimal(12,2)', '0.30000000000000004', false],
  ['float64', 'bool', '1', true],
  ['float64', 'bool', '2', false],
  ['float64', 'string', '0.30000000000000004', true],
  ['int64', 'float64', '9007199254740993', false],
  ['int64', 'float64', '1152921504606846976', true],
  ['int64', 'float64', '9223372036854775807', false],
  ['uint64', 'float64', '18446744073709551615', false],
  ['uint64', 'int64', '9223372036854775808', false],
  ['int64', 'int32', '2147483648', false],
  ['int64', 'int32', '2', true],
  ['int32', 'bool', '2', false],
  ['int32', 'bool', '1', true],
  ['int32', 'string', '-2147483648', true],
  ['decimal(12,2)', 'int32', '1.50', false],
  ['decimal(12,2)', 'int32', '2.00', true],
  ['decimal(38,10)', 'decimal(12,2)', '0.1234567891', false],
  ['decimal(38,10)', 'decimal(12,2)', '0.1000000000', true],
  ['string', 'int32', '7', true],
  ['string', 'int32', '007', false],
  ['string', 'int32', ' 7', false],
  ['string', 'int32', '', false],
  ['string', 'int64', '9223372036854775808', false],
  ['string', 'float64', '1.5', true],
  ['string', 'float64', '1.50', false],
  ['string', 'bool', 't', false],
  ['string', 'json', '[1]', true],
  ['string', 'json', 'abc', false],
  ['string', 'timestamp', 'now', false],
  ['string', 'uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true],
  ['string', 'uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', false],
  ['string', 'bytes', '\\x41', true],
  ['bytes', 'string', '5c783431', true],
  ['bytes', 'string', 'c3a9', true],
  ['bytes', 'string', 'ff', false],
  ['timestamp', 'int64', '1970-01-01 00:00:00', false],
  ['timestamp', 'string', '2024-01-02 03:04:05.123456', true],
  ['bool', 'timestamp', 'true', false],
  ['bool', 'int32', 'true', true],
  ['uuid', 'bytes', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', false],
];

const types = Object.keys(samples);

/** Tests of every change of a type, whatever the database: it keeps each value, or is refused and changes nothing. */
export function describeTypeChanges<Kind extends keyof TableExtensions>(subject: Subject<Kind>, values: Values): void {
  const { database, kind, sql, quote: q } = subject;
  const reconcile = async (columns: Record<string, string>) => subject.reconcile(inputOf(kind, { columns }));
  const stored = (type: string) => toDatabaseColumns([{ name: 'a', type }], subject.types, database)[0].type;
  const kept = new Map<string, boolean>();
  const meaningOf = (type: string) => values.storedAs?.[type] ?? type;

  const read = async (columns: Record<string, string>) => {
    const texts = Object.entries(columns).map(([name, type]) => `${values.text(q(name), type)} AS ${q(name)}`);
    return (await sql(`SELECT ${texts.join(', ')} FROM users ORDER BY id`)) as Record<string, string | null>[];
  };

  describe(`changes of types in ${database}`, () => {
    const pairs = types.flatMap((from) => types.filter((to) => to !== from).map((to) => ({ from, to })));
    beforeEach(() => subject.clear());

    it.each(pairs)('keep each value or nothing is changed: $from to $to', async ({ from, to }) => {
      const present = (samples[from] ?? []).filter((value) => values.literal(from, value) !== undefined);
      const nameOf = (index: number) => `v${index}`;
      const all = (typeOf: (index: number) => string) => ({
        id: 'int32',
        ...Object.fromEntries(present.map((_, index) => [nameOf(index), typeOf(index)])),
      });
      await reconcile(all(() => from));
      const literals = present.map((value) => values.literal(from, value));
      await sql(`INSERT INTO users VALUES (${[1, ...literals].join(', ')})`);
      await sql(`INSERT INTO users VALUES (${[2, ...literals.map(() => 'NULL')].join(', ')})`);
      const [before, nulls] = await read(all(() => from));

      const refused = await refusedColumns(reconcile(all(() => to)));
      if (refused.size > 0) {
        expect(await read(all(() => from))).toEqual([before, nulls]);
        expect((await reconcile(all(() => from))).messages?.[0]?.reason).toBe('Unchanged');
      }

      const reached = all((index) => (refused.has(index) ? from : to));
      await reconcile(reached);
      const [after, nullsAfter] = await read(reached);
      expect(nullsAfter).toEqual(nulls);
      for (const [index, value] of present.entries()) {
        kept.set(`${from} ${to} ${value}`, !refused.has(index));
        const [old, now] = [before?.[nameOf(index)], after?.[nameOf(index)]];
        const isUnchanged = refused.has(index) || stored(from) === stored(to);
        const isKept = isUnchanged ? now === old : isEqual(meaningOf(from), String(old), meaningOf(to), String(now));
        expect(isKept, `${value}: ${old} became ${now}`).toBe(true);
      }
    });

    it('are refused and made as expected', () => {
      const wrong = expectations.filter(([from, to, value, expected]) => {
        const actual = kept.get(`${from} ${to} ${value}`);
        const isSpecific = meaningOf(from) === from && meaningOf(to) === to && stored(from) !== stored(to);
        return isSpecific && actual !== undefined && actual !== expected;
      });
      expect(wrong).toEqual([]);
      expect([...kept.values()].filter((value) => value).length).toBeGreaterThan(100);
      expect([...kept.values()].filter((value) => !value).length).toBeGreaterThan(100);
    });

    it('are made for any types if there is no value', async () => {
      const columns = (shift: number) =>
        Object.fromEntries(types.map((_, index) => [`c${index}`, types[(index + shift) % types.length] ?? '']));
      for (let shift = 1; shift <= types.length; shift++) {
        await subject.clear();
        await reconcile({ id: 'int32', ...columns(0) });
        await sql('INSERT INTO users (id) VALUES (1)');
        await reconcile({ id: 'int32', ...columns(shift) });
        expect((await reconcile({ id: 'int32', ...columns(shift) })).messages?.[0]?.reason).toBe('Unchanged');
      }
      for (const [from, to] of [
        ['int32', 'uuid'],
        ['timestamp', 'int64'],
        ['string', 'bytes'],
      ] as const) {
        await subject.clear();
        await reconcile({ key: from });
        const result = await reconcile({ key: to });
        expect(result.status).toMatchObject({ table: { primaryKey: ['key'] } });
        expect((await reconcile({ key: to })).messages?.[0]?.reason).toBe('Unchanged');
      }
    });

    it('are refused with the first row, both types, the value and the number of rows', async () => {
      await reconcile({ id: 'int32', height: 'float64', note: 'string' });
      await sql(`INSERT INTO users VALUES (9, 1.5, 'a'), (3, 2.0, 'b'), (4, 1.75, 'c'), (5, NULL, 'd')`);
      const error = await failure(reconcile({ id: 'int32', height: 'int32', note: 'string' }));
      expect(error.message).toMatch(
        new RegExp(
          `^Table users: column "height" can't change from ${subject.types.float64} to .+, as 2 of 4 rows would not keep ` +
            'the value\\. The first one, id = "4", has "1\\.75", which would become "[12]"\\. Nothing was changed\\. ' +
            'Correct the data or the columns, then edit this resource\\.$',
        ),
      );
      await sql(`UPDATE users SET height = 7 WHERE id <> 3`);
      await reconcile({ id: 'int32', height: 'int32', note: 'string' });
      await sql(`UPDATE users SET note = '${'x'.repeat(1000)}'`);
      const long = await failure(reconcile({ id: 'int32', height: 'int32', note: 'int64' }));
      expect(long.message).toContain(`"${'x'.repeat(80)}…"`);
      expect(long.message.length).toBeLessThan(500);
    });

    it('do not show what may be a secret', async () => {
      await reconcile({ token: 'string', password: 'string' });
      await sql(`INSERT INTO users VALUES ('s3cr3t', 'hunter2')`);
      const { message } = await failure(reconcile({ token: 'int64', password: 'int64' }));
      expect(message).toMatch(/column "token" .* column "password" .*token = \(hidden\), has \(hidden\)/);
      expect(message).not.toMatch(/s3cr3t|hunter2/);
      await sql(`INSERT INTO users VALUES ('other', 'hunter2')`);
      const duplicate = await failure(reconcile({ password: 'string', token: 'string' }));
      expect(duplicate).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
      expect(duplicate.message).not.toMatch(/hunter2/);
    });

    it('keep the values of the primary key', async () => {
      await reconcile({ id: 'string' });
      await sql(`INSERT INTO users VALUES ('1'), ('01')`);
      expect((await failure(reconcile({ id: 'int32' }))).message).toContain('1 of 2 rows');
      await sql(`DELETE FROM users WHERE id = '01'`);
      await reconcile({ id: 'int32' });
      await reconcile({ id: 'string' });
      expect(await sql('SELECT * FROM users')).toEqual([{ id: '1' }]);
    });

    it('are all made or none', async () => {
      await reconcile({ id: 'int32', a: 'string', b: 'float64' });
      await sql(`INSERT INTO users VALUES (1, '7', 1.5)`);
      const { message } = await failure(reconcile({ id: 'int32', a: 'int64', b: 'int64', c: 'string' }));
      expect(message).not.toContain('"a"');
      expect((await reconcile({ id: 'int32', a: 'string', b: 'float64' })).messages?.[0]?.reason).toBe('Unchanged');
    });

    it('do not invent values for a new primary key', async () => {
      await reconcile({ id: 'int32', number: 'int64' });
      await sql('INSERT INTO users VALUES (1, NULL)');
      for (const columns of [
        { number: 'int64', id: 'int32' },
        { key: 'int64', id: 'int32' },
        { key: 'string', id: 'int32', number: 'int64' },
      ]) {
        const error = await failure(reconcile(columns));
        expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
        expect(error.message).toContain(
          `column "${Object.keys(columns)[0]}" can't be part of the primary key, as 1 of 1 row would have no value in it. ` +
            'The first one, id = "1", has none.',
        );
      }
      expect((await reconcile({ id: 'int32', number: 'int64' })).messages?.[0]?.reason).toBe('Unchanged');
    });
  });
}

/** Returns the numbers of the columns that a pass refuses to change; none if it succeeds. */
async function refusedColumns(pass: Promise<unknown>): Promise<Set<number>> {
  const isDone = await pass.then(
    () => true,
    () => false,
  );
  if (isDone) return new Set();
  const { reason, code, message } = await failure(pass);
  expect({ reason, code, message }).toMatchObject({ reason: 'DataDoesNotFit', code: 'Terminal' });
  const refused = [...message.matchAll(/column "v(\d+)" can't change from /g)].map(([, index]) => Number(index));
  expect(refused, message).not.toEqual([]);
  return new Set(refused);
}

/** Reports whether two values mean the same, given their exact texts. Independent of the databases. */
function isEqual(from: string, before: string, to: string, after: string): boolean {
  if (from === 'bytes') {
    const bytes = Buffer.from(before, 'hex');
    return to === 'string' && bytes.toString() === after && Buffer.from(after).equals(bytes);
  }
  if (to === 'bytes') return from === 'string' && Buffer.from(before).toString('hex') === after;
  if (from === 'float64' && to === 'string') return Object.is(Number(before), Number(after)) || before === after;
  if (from === 'string' || to === 'string') return before === after;
  const numeric = (type: string) => /^(u?int|float|bool|json|decimal)/.test(type);
  return numeric(from) && numeric(to) && equalNumbers(from, before, to, after);
}

function equalNumbers(from: string, before: string, to: string, after: string): boolean {
  const [a, b] = [numberOf(before), numberOf(after)];
  if (a === 'NaN' || b === 'NaN') return a === b;
  if (from !== 'float64' && to !== 'float64') return equalDecimals(a, b);
  const [float, exact, exactType] = from === 'float64' ? [a, b, to] : [b, a, from];
  // JSON has no exact numbers, and decimals are converted to the closest float.
  const isInteger = /^(u?int|bool)/.test(exactType);
  if (Object.is(Number(float), -0)) return /^-0/.test(exact);
  return isInteger ? BigInt(Number(float)) === BigInt(exact) : Number(exact) === Number(float);
}

function numberOf(text: string): string {
  const words: Record<string, string> = { true: '1', false: '0' };
  return words[text] ?? text;
}

/** Compares decimals digit by digit. */
function equalDecimals(a: string, b: string): boolean {
  const normalize = (text: string) => {
    const [, sign, whole = '', fraction = ''] = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? [
      undefined,
      'invalid ',
      text,
    ];
    return whole + fraction === '' ? '0' : `${sign}${whole}.${fraction}`;
  };
  return normalize(a) === normalize(b);
}
