import { describe, expect, it } from 'vitest';
import { ReferenceIndex } from './reference-index.ts';

describe('ReferenceIndex', () => {
  it('finds the bases that reference an extension', () => {
    const index = new ReferenceIndex();
    index.set('a', ['x', 'y']);
    index.set('b', ['y']);
    expect([...index.basesOf('y')]).toEqual(['a', 'b']);
    index.set('a', ['x']);
    expect([...index.basesOf('y')]).toEqual(['b']);
    index.delete('b');
    expect([...index.basesOf('y')]).toEqual([]);
    expect([...index.basesOf('x')]).toEqual(['a']);
  });
});
