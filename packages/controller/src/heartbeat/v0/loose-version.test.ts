import { expect, it } from 'vitest';
import { readLooseVersion } from './loose-version.ts';

it.each([
  ['1.2.3', '1.2.3'],
  ['v1.2.3-rc.1+build.7', '1.2.3-rc.1+build.7'],
  ['v1', '1.0.0'],
  ['1.2', '1.2.0'],
  ['2024.01.05', '2024.1.5'],
  ['v1alpha2', '1.0.0-alpha.2'],
  ['v2beta1', '2.0.0-beta.1'],
  ['nightly build (7)', '0.0.0+nightly-build-7'],
  ['1'.repeat(40), `0.0.0+${'1'.repeat(40)}`],
  ['', '0.0.0'],
])('reads "%s" as %s', (text, version) => {
  expect(readLooseVersion(text)).toBe(version);
});
