import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** Package that is published to npm. */
interface PublishedPackage {
  name: string;
  version: string;
  path: string;
}

/** Returns the packages of this repository that are published to npm. */
export function publishedPackages(): PublishedPackage[] {
  return globSync('packages/*/package.json', { cwd: repository }).flatMap((file) => {
    const path = join(repository, dirname(file));
    const content = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as PublishedPackage & {
      private?: boolean;
    };
    return content.private || !content.name.startsWith('@kplug/') ? [] : [{ ...content, path }];
  });
}

/** Version of this repository, which all of its packages have. */
export function projectVersion(): string {
  const [{ version } = { version: '0.0.0' }] = publishedPackages();
  return version;
}
