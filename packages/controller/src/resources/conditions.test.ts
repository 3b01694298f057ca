import { describe, expect, it } from 'vitest';
import { type ConditionContent, findCondition, readConditions, stampCondition } from './conditions.ts';

const ready: ConditionContent = { type: 'Ready', status: 'True', reason: 'Ready', message: 'done' };
const noon = () => new Date('2026-01-01T12:00:00.500Z');
const later = () => new Date('2026-01-01T13:00:00.000Z');

describe('stampCondition', () => {
  it('keeps the time of the last transition while the status stays the same', () => {
    const first = stampCondition(ready, [], { observedGeneration: 1, now: noon });
    expect(first).toEqual({ ...ready, observedGeneration: 1, lastTransitionTime: '2026-01-01T12:00:00Z' });
    const second = stampCondition({ ...ready, message: 'again' }, [first], { observedGeneration: 2, now: later });
    expect(second).toMatchObject({
      message: 'again',
      observedGeneration: 2,
      lastTransitionTime: first.lastTransitionTime,
    });
    const third = stampCondition({ ...ready, status: 'False' }, [second], { now: later });
    expect(third).toMatchObject({ status: 'False', lastTransitionTime: '2026-01-01T13:00:00Z' });
    expect(third).not.toHaveProperty('observedGeneration');
  });

  it('cuts an overlong message', () => {
    const { message } = stampCondition({ ...ready, message: 'x'.repeat(100) }, [], { maxMessageLength: 10 });
    expect(message).toBe(`${'x'.repeat(9)}…`);
  });
});

it('reads the conditions of a status, and leaves out malformed ones', () => {
  const condition = stampCondition(ready, []);
  const status = { conditions: [null, 'x', { type: 'Half' }, condition, { ...condition, type: 7 }] };
  expect(readConditions(status)).toEqual([condition]);
  expect(findCondition(status, 'Ready')).toEqual(condition);
  for (const malformed of [undefined, {}, { conditions: {} }]) expect(readConditions(malformed)).toEqual([]);
});
