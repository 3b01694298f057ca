import { expect, it } from 'vitest';
import { type ConnectionState, canFollow } from './connection-state.ts';

const states: ConnectionState[] = ['connecting', 'serving', 'notServing', 'retired', 'closed'];

it('is never left once closed, and only closed once retired', () => {
  expect(states.filter((next) => canFollow('closed', next))).toEqual([]);
  expect(states.filter((next) => canFollow('retired', next))).toEqual(['closed']);
});

it('changes between serving and not serving, and never back to connecting', () => {
  expect(canFollow('serving', 'notServing')).toBe(true);
  expect(canFollow('notServing', 'serving')).toBe(true);
  expect(states.filter((state) => canFollow(state, 'connecting'))).toEqual([]);
});
