import { describe, expect, it } from 'vitest';
import type { Registration } from '../registry/registration.ts';
import { PluginChannels } from './plugin-channels.ts';

const declaration = { source: 'address', namespace: 'a', name: 'one' } as const;
const closed = new PluginChannels({ allowsPlainText: () => false });

describe('plain text', () => {
  it('is allowed by a declaration that says so, and by the predicate', () => {
    const asked: string[] = [];
    const some = new PluginChannels({
      allowsPlainText: ({ address }) => {
        asked.push(address);
        return address.startsWith('127.');
      },
    });
    expect(some.channelTo({ address: '127.0.0.1:1' }).expiresAt).toBe(Number.POSITIVE_INFINITY);
    expect(() => some.channelTo({ address: '10.0.0.1:1' })).toThrow(/registered no certificate/);
    expect(asked).toEqual(['127.0.0.1:1', '10.0.0.1:1']);
    const insecure = { address: '10.0.0.1:1', declaration: { ...declaration, insecure: true } };
    expect(closed.channelTo(insecure).options).toEqual({});
  });

  it('is refused to a declaration without a CA, with the remedy', () => {
    expect(() => closed.channelTo({ address: '10.0.0.1:1', declaration })).toThrow(
      'its declaration has no CA to verify it by; set tls.caBundle there, or insecure: true to call it in plain text',
    );
  });

  it('is refused to a plugin with a certificate, also where it is allowed', () => {
    const target: Pick<Registration, 'address' | 'certificate'> = { address: '127.0.0.1:1', certificate: 'bm9uZQ==' };
    expect(() => new PluginChannels().channelTo(target)).toThrow();
  });
});

it('a CA bundle that is malformed is refused', () => {
  const target = { address: '10.0.0.1:1', declaration: { ...declaration, tls: { caBundle: '-----BEGIN' } } };
  expect(() => closed.channelTo(target)).toThrow(/caBundle of its declaration/);
});
