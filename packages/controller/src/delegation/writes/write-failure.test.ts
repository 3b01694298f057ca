import { expect, it } from 'vitest';
import { KplugError } from '../../errors.ts';
import { describeWriteFailure, isShared } from './write-failure.ts';

const key = 'myorg.org/v1/Table/team-a/users';
const forbidden = Object.assign(new Error('no'), { reason: 'Forbidden' });
const full = Object.assign(new Error('full'), { code: 'ENOSPC' });

it.each([
  [
    'the reason of the API server, per namespace',
    new KplugError('StorageFailed', 'm', { cause: forbidden }),
    'Forbidden',
    'team-a',
  ],
  ['the code of a system error', new KplugError('StorageFailed', 'm', { cause: full }), 'ENOSPC', undefined],
  [
    'the code of a nested system error',
    new KplugError('StorageFailed', 'm', { cause: new Error('write', { cause: full }) }),
    'ENOSPC',
    undefined,
  ],
  ['the code of the error', new KplugError('InvalidResponse', 'm'), 'InvalidResponse', undefined],
])('has as its reason %s', (_, error, reason, namespace) => {
  const failure = describeWriteFailure(key, error);
  expect(failure).toEqual({ key, code: error.code, reason, namespace, message: 'm' });
  expect(isShared(failure)).toBe(true);
});

it('is not shared when it is an unexpected error', () => {
  const failure = describeWriteFailure(key, new TypeError('x is undefined'));
  expect(failure).toEqual({
    key,
    code: 'Unexpected',
    reason: 'Unexpected',
    namespace: undefined,
    message: 'x is undefined',
  });
  expect(isShared(failure)).toBe(false);
});
