import { describe, expect, it } from 'vitest';
import { toUrl } from './find-operator.ts';

describe('the URL of an admin port', () => {
  it.each([
    ['http://localhost:8081', 'http://localhost:8081'],
    ['https://example.org/kplug/', 'https://example.org/kplug'],
    ['127.0.0.1:8081', 'http://127.0.0.1:8081'],
    [':8081', 'http://localhost:8081'],
    ['0.0.0.0:8081', 'http://localhost:8081'],
    ['[::]:8081', 'http://localhost:8081'],
    ['[::1]:8081', 'http://[::1]:8081'],
  ])('%s is read as %s', (text, url) => {
    expect(toUrl(text)).toBe(url);
  });

  it('is rejected when it is invalid', () => {
    expect(() => toUrl('not an address')).toThrow('"not an address" is not the address of an admin port');
  });
});
