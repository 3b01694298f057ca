import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { isServiceError, serviceError, toServiceError } from './grpc-errors.ts';

describe('toServiceError', () => {
  it('keeps a gRPC status', () => {
    const error = serviceError(grpc.status.NOT_FOUND, 'no such table');
    expect(toServiceError(error)).toBe(error);
  });

  it.each([
    ['an error', new Error('divided by zero')],
    ['any other thrown value', 'divided by zero'],
  ])('converts %s into INTERNAL with its message', (_, thrown) => {
    expect(isServiceError(thrown)).toBe(false);
    expect(toServiceError(thrown)).toMatchObject({ code: grpc.status.INTERNAL, details: 'divided by zero' });
  });
});
