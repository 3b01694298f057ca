import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { run } from '../image/run.ts';

/** Registries that have everything else. */
interface Upstreams {
  npm: string;
  python: string;
  go: string;
}

/** A tarball and its `package.json`. */
interface PackedPackage {
  file: string;
  manifest: { name: string; version: string };
}

/**
 * Registry of npm, Python and Go with the artifacts of a release, for images that are built before these are published. It redirects to
 * the registries of this machine for everything else.
 */
export class ReleaseRegistry implements AsyncDisposable {
  readonly #folder: string;
  readonly #upstreams: Upstreams;
  readonly #server: Server;
  readonly #packages: readonly PackedPackage[];

  private constructor(folder: string, upstreams: Upstreams) {
    this.#folder = folder;
    this.#upstreams = upstreams;
    this.#packages = globSync('npm/*.tgz', { cwd: folder }).map((path) => {
      const file = join(folder, path);
      return { file, manifest: JSON.parse(run('tar', ['-xzOf', file, 'package/package.json'])) };
    });
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @param folder `dist/release`. */
  static async start(folder: string): Promise<ReleaseRegistry> {
    if (!existsSync(join(folder, 'npm')))
      throw new Error(`${folder} has no release: run \`npx -y pnpm@12 release --dry-run\` first`);
    const proxies = run('go', ['env', 'GOPROXY']).trim().split(/[,|]/);
    const registry = new ReleaseRegistry(folder, {
      npm: withoutSlash(run('npm', ['config', 'get', 'registry']).trim()),
      python: withoutSlash(process.env.PIP_INDEX_URL ?? 'https://pypi.org/simple'),
      go: withoutSlash(proxies.find((proxy) => proxy.startsWith('http')) ?? 'https://proxy.golang.org'),
    });
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** Address of a registry, for `NPM_CONFIG_REGISTRY`, `PIP_INDEX_URL` and `GOPROXY`. */
  url(kind: keyof Upstreams): string {
    // npm downloads tarballs from the root of the host, and its packages have no names with an underscore at the beginning.
    const path = { npm: '', python: '_python/simple', go: '_go' }[kind];
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  /** Version of the release. */
  get version(): string {
    const [first] = this.#packages;
    if (!first) throw new Error(`${this.#folder} has no npm packages`);
    return first.manifest.version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer({ url = '/' }: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const [, kind = 'npm', rest = ''] = /^\/(?:_(python|go)\/)?(.*)$/.exec(path) ?? [];
    const own = kind === 'npm' ? this.#npm(rest) : kind === 'python' ? this.#python(rest) : this.#file('go', rest);
    // pip ignores a list of files without the type.
    if (own !== undefined)
      response.writeHead(200, path.endsWith('/kplug/') ? { 'content-type': 'text/html' } : {}).end(own);
    else response.writeHead(302, { location: this.#elsewhere(kind as keyof Upstreams, url) }).end();
  }

  #elsewhere(kind: keyof Upstreams, url: string): string {
    const rest = url.replace(/^\/(?:_\w+\/)?/, '');
    return `${this.#upstreams[kind]}/${kind === 'python' ? rest.replace(/^simple\//, '') : rest}`;
  }

  #file(kind: string, rest: string): Buffer | undefined {
    const file = join(this.#folder, kind, rest);
    return /\.\w+$|\/list$/.test(rest) && !rest.includes('..') && existsSync(file) ? readFileSync(file) : undefined;
  }

  /** Packument of a package, or a tarball. */
  #npm(rest: string): Buffer | string | undefined {
    if (rest.startsWith('_files/')) return this.#file('npm', rest.slice('_files/'.length));
    const found = this.#packages.find(({ manifest }) => manifest.name === rest);
    if (!found) return undefined;
    const { name, version } = found.manifest;
    const integrity = `sha512-${createHash('sha512').update(readFileSync(found.file)).digest('base64')}`;
    const dist = { tarball: `${this.url('npm')}_files/${basename(found.file)}`, integrity };
    return JSON.stringify({
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...found.manifest, dist } },
    });
  }

  /** List of the files of `kplug`, or one of them. */
  #python(rest: string): Buffer | string | undefined {
    if (rest !== 'simple/kplug/') return this.#file('python', rest.replace(/^files\//, ''));
    const files = globSync('*.{whl,tar.gz}', { cwd: join(this.#folder, 'python') });
    return files.map((file) => `<a href="../../files/${file}">${file}</a>\n`).join('');
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
