import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalRegistry } from '../day-one/local-registry.ts';
import { run } from '../image/run.ts';

/** Registries that have everything else. */
interface Upstreams {
  python: string;
  go: string;
}

/**
 * Registries of npm, Python and Go with the artifacts of a release, for images that are built before these are published. Those of Python and Go
 * redirect to the registries of this machine for everything else.
 */
export class ReleaseRegistry implements AsyncDisposable {
  readonly #folder: string;
  readonly #upstreams: Upstreams;
  readonly #server: Server;
  readonly #npm: LocalRegistry;
  /** Folder of the packages of npm. */
  readonly #storage: string;
  /** Version of the release. */
  readonly version: string;

  private constructor(folder: string, version: string, upstreams: Upstreams, npm: LocalRegistry, storage: string) {
    this.#folder = folder;
    this.version = version;
    this.#upstreams = upstreams;
    this.#npm = npm;
    this.#storage = storage;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** @param folder `dist/release`. */
  static async start(folder: string): Promise<ReleaseRegistry> {
    const tarballs = globSync('npm/*.tgz', { cwd: folder }).map((path) => join(folder, path));
    const [first] = tarballs;
    if (!first) throw new Error(`${folder} has no release: run \`npx -y pnpm@12 release --dry-run\` first`);
    const { version } = JSON.parse(run('tar', ['-xzOf', first, 'package/package.json'])) as { version: string };
    const proxies = run('go', ['env', 'GOPROXY']).trim().split(/[,|]/);
    const proxy = proxies.find((one) => one.startsWith('http'));
    if (!proxy) throw new Error('`go env GOPROXY` has no proxy; set one');
    const upstreams = { python: withoutSlash(process.env.PIP_INDEX_URL ?? defaultIndex()), go: withoutSlash(proxy) };
    const storage = mkdtempSync(join(tmpdir(), 'kplug-npm-'));
    const npm = await LocalRegistry.start(storage);
    for (const tarball of tarballs) await npm.publishTarball(tarball);
    const registry = new ReleaseRegistry(folder, version, upstreams, npm, storage);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  /** Address of a registry, for `NPM_CONFIG_REGISTRY`, `PIP_INDEX_URL` and `GOPROXY`. */
  url(kind: 'npm' | keyof Upstreams): string {
    if (kind === 'npm') return this.#npm.url;
    const path = kind === 'python' ? 'python/simple' : 'go';
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    await this.#npm[Symbol.asyncDispose]();
    rmSync(this.#storage, { recursive: true, force: true });
  }

  #answer({ url = '/' }: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const [, kind, rest = ''] = /^\/(python|go)\/(.*)$/.exec(path) ?? [];
    if (kind !== 'python' && kind !== 'go') return void response.writeHead(404).end();
    const own = kind === 'python' ? this.#python(rest) : this.#file('go', rest);
    // pip ignores a list of files without the type.
    if (own !== undefined)
      response.writeHead(200, path.endsWith('/kplug/') ? { 'content-type': 'text/html' } : {}).end(own);
    else response.writeHead(302, { location: this.#elsewhere(kind, url) }).end();
  }

  #elsewhere(kind: keyof Upstreams, url: string): string {
    const rest = url.replace(/^\/\w+\//, '');
    return `${this.#upstreams[kind]}/${kind === 'python' ? rest.replace(/^simple\//, '') : rest}`;
  }

  #file(kind: keyof Upstreams, rest: string): Buffer | undefined {
    const file = join(this.#folder, kind, rest);
    return /\.\w+$|\/list$/.test(rest) && !rest.includes('..') && existsSync(file) ? readFileSync(file) : undefined;
  }

  /** List of the files of `kplug`, or one of them. */
  #python(rest: string): Buffer | string | undefined {
    if (rest !== 'simple/kplug/') return this.#file('python', rest.replace(/^files\//, ''));
    const files = globSync('*.{whl,tar.gz}', { cwd: join(this.#folder, 'python') });
    return files.map((file) => `<a href="../../files/${file}">${file}</a>\n`).join('');
  }
}

/** Returns the index that pip uses if none is configured. */
function defaultIndex(): string {
  return run('python3', ['-c', 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)']).trim();
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
