import { expect, it } from 'vitest';
import { localAddress } from './local-address.ts';

it.each([
  ['localhost:50050', '127.0.0.1:50050'],
  ['0.0.0.0:7', '127.0.0.1:7'],
  ['[::]:7', '127.0.0.1:7'],
  ['127.0.0.1:7', '127.0.0.1:7'],
  ['[::1]:7', '[::1]:7'],
  ['10.0.0.7:50050', '10.0.0.7:50050'],
])('localAddress(%s) is %s', (listening, expected) => expect(localAddress(listening)).toBe(expected));
