import { KplugError } from '../../errors.ts';
import { withoutCredentials } from './credentials.ts';
import type { PluginItem } from './item.ts';
import type { UnpackLimits } from './unpack.ts';

/** Options of downloads. */
export interface DownloadOptions {
  /**
   * URL before `/<org>/<repository>/releases/download/<release>/`. Default `https://github.com`. It may have a user name, a password and
   * a query, which are sent only to its own host and reported nowhere. Over http, items need a checksum, except from loopback addresses.
   */
  baseUrl?: string;
  /** Name of the archive, with `{os}` and `{arch}`. Default `kplug_plugin_{os}_{arch}.tar.gz`. */
  namePattern?: string;
  /** Maximum size of an archive, in bytes. Default 256 MiB; recommended: 1 MiB to 4 GiB. */
  maxBytes?: number;
  /** Limits of an archive's content. Default 1 GiB, in 20,000 files, unpacked in two minutes. */
  limits?: Partial<UnpackLimits>;
  /** Maximum time of a download, in milliseconds. Default 30 minutes; recommended: 1 minute to 2 hours. */
  timeout?: number;
}

export const defaultBaseUrl = 'https://github.com';
export const defaultNamePattern = 'kplug_plugin_{os}_{arch}.tar.gz';

/** Names of processor architectures in releases, by their names in Node.js. */
const architectures: Record<string, string> = { x64: 'amd64', ia32: '386' };

/** Returns the URLs of an archive, in order of preference; the last one is without the architecture. Throws `InvalidConfiguration`. */
export function urlsOf(
  { organization, repository, release }: PluginItem,
  { baseUrl = defaultBaseUrl, namePattern = defaultNamePattern }: DownloadOptions,
  { platform, arch }: { platform: string; arch: string } = process,
): URL[] {
  const base = URL.parse(baseUrl);
  if (!base || !/^https?:$/.test(base.protocol) || !/^https?:\/\//i.test(baseUrl)) {
    throw invalid(`invalid base URL "${withoutCredentials(baseUrl)}"; use one such as ${defaultBaseUrl}`);
  }
  if (!/^[A-Za-z0-9._{}+-]+$/.test(namePattern)) {
    throw invalid(`invalid name pattern "${withoutCredentials(namePattern)}"; use one such as ${defaultNamePattern}`);
  }
  const folder = [organization, repository, 'releases', 'download', release].map(encodeURIComponent).join('/');
  const patterns = new Set([namePattern, namePattern.replace(/[._-]?\{arch\}/, '')]);
  return [...patterns].map((name) => {
    const file = name.replaceAll('{os}', platform).replaceAll('{arch}', architectures[arch] ?? arch);
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${folder}/${file}`;
    url.hash = '';
    return url;
  });
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}
