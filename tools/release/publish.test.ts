import { expect, it } from 'vitest';
import { chartCommands, goCommands, goImportPage, imageCommands, npmCommands } from './publish.ts';

it('publishes npm packages with their provenance, and pre-releases not as latest', () => {
  const args = (version: string) => npmCommands(version, ['dist/a.tgz']).map((command) => command.args.join(' '));
  expect(args('1.0.0')).toEqual(['publish ./dist/a.tgz --access public --provenance']);
  expect(args('1.0.0-rc.1')).toEqual(['publish ./dist/a.tgz --access public --provenance --tag next']);
});

it('pushes charts beside the images', () => {
  expect(chartCommands('ghcr.io/a/b', ['x.tgz', 'y.tgz']).map(({ args }) => args.join(' '))).toEqual([
    'push x.tgz oci://ghcr.io/a/b/charts',
    'push y.tgz oci://ghcr.io/a/b/charts',
  ]);
});

it('builds the images with the version as their tag', () => {
  const home = { repository: 'A/b', registry: 'ghcr.io/a/b' };
  expect(imageCommands('1.0.0', home)[0]?.env).toEqual({ REGISTRY: 'ghcr.io/a/b', TAG: '1.0.0' });
});

it('tags the Go module in its folder, and names that folder on the page of the module', () => {
  expect(goCommands('1.0.0').at(-1)?.args).toEqual(['push', 'origin', 'refs/tags/packages/sdk-go/v1.0.0']);
  expect(goImportPage({ repository: 'A/b' })).toContain(
    '<meta name="go-import" content="kplug.dev/sdk-go git https://github.com/A/b packages/sdk-go">',
  );
});
