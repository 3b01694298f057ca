import { expect, it } from 'vitest';
import { homeOf, repositoryOf } from './home.ts';

it.each([
  ['https://github.com/Example/kplug', 'Example/kplug'],
  ['https://github.com/example/kplug.git', 'example/kplug'],
  ['git@github.com:example/kplug.git', 'example/kplug'],
  ['ssh://git@github.com/example/kplug.git', 'example/kplug'],
  ['https://example.org/example/kplug.git', undefined],
  ['/srv/kplug', undefined],
])('the repository of %s', (url, repository) => {
  expect(repositoryOf(url)).toBe(repository);
});

it('registries have names in lower case', () => {
  expect(homeOf('Example/Kplug').registry).toBe('ghcr.io/example/kplug');
});
