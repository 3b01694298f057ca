import { parse } from 'semver';

/**
 * Converts the version of a v0 plugin, which may be any text, to a semantic version:
 *
 * - `1.2.3`, `v1.2.3`, `1.2` and `v1` become 1.2.3, 1.2.3, 1.2.0 and 1.0.0;
 * - `v1alpha2` and `v1beta3`, as in Kubernetes, become 1.0.0-alpha.2 and 1.0.0-beta.3;
 * - any other text becomes the build metadata of 0.0.0, as in 0.0.0+nightly; empty text becomes 0.0.0.
 */
export function readLooseVersion(text: string): string {
  const exact = parse(text);
  if (exact) return [exact.version, ...(exact.build.length > 0 ? [exact.build.join('.')] : [])].join('+');
  const [, ...numbers] = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?$/.exec(text) ?? [];
  if (numbers.length > 0) return numbers.map((number = '0') => Number(number)).join('.');
  const [, major, stage, count] = /^v(\d{1,15})(alpha|beta)(\d{1,15})$/.exec(text) ?? [];
  if (major) return `${Number(major)}.0.0-${stage}.${Number(count)}`;
  const rest = text.replace(/[^0-9A-Za-z]+/g, '-').replace(/^-|-$/g, '');
  return rest ? `0.0.0+${rest.slice(0, 64)}` : '0.0.0';
}
