import { describe, expect, it } from 'vitest';
import { parseSelector } from './parse-selector.ts';

describe('a selector on the command line', () => {
  it.each([
    ['owner=me', { owner: 'me' }, []],
    ['owner==me, tier = dev', { owner: 'me', tier: 'dev' }, []],
    ['tier!=prod', {}, [{ key: 'tier', operator: 'NotIn', values: ['prod'] }]],
    ['tier in (dev, test)', {}, [{ key: 'tier', operator: 'In', values: ['dev', 'test'] }]],
    ['tier notin (prod),owner=me', { owner: 'me' }, [{ key: 'tier', operator: 'NotIn', values: ['prod'] }]],
    ['example.org/pinned', {}, [{ key: 'example.org/pinned', operator: 'Exists' }]],
    ['!pinned', {}, [{ key: 'pinned', operator: 'DoesNotExist' }]],
    ['owner=me,owner=you', { owner: 'me' }, [{ key: 'owner', operator: 'In', values: ['you'] }]],
    ['owner=', { owner: '' }, []],
  ])('%s', (text, matchLabels, matchExpressions) => {
    expect(parseSelector(text)).toEqual({ matchLabels, matchExpressions });
  });

  it.each(['owner=me,', 'a b', '=me', 'a in dev', 'a=b=c', 'a/b/c=d', 'a=-', '__proto__ in ()'])(
    '%s is refused',
    (text) => {
      expect(() => parseSelector(text)).toThrow(/write it as for kubectl/);
    },
  );
});
