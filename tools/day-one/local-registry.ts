import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { runServer } from 'verdaccio';
import { readPackageJson } from '../image/install.ts';
import { publishedFolders } from '../release/published-packages.ts';
import { execute } from './shell.ts';

const repository = resolve(import.meta.dirname, '../..');

/** npm registry on this machine that has the packages of this repository; others come from the registry that npm is configured with. */
export class LocalRegistry implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** @param folder new folder for its packages. */
  static async start(folder: string): Promise<LocalRegistry> {
    const { stdout: upstream } = await execute('npm', ['config', 'get', 'registry']);
    const server = (await runServer({
      storage: folder,
      self_path: folder,
      uplinks: { upstream: { url: upstream.trim(), timeout: '60s', max_fails: 100, maxage: '1h' } },
      packages: {
        // Never from the other registry, whatever has these names there.
        '@kplug/*': { access: '$all', publish: '$all' },
        '**': { access: '$all', proxy: 'upstream' },
      },
      max_body_size: '100mb',
      web: { enable: false },
      log: { type: 'stdout', format: 'json', level: 'fatal' },
    } as never)) as Server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LocalRegistry(server);
  }

  /** Packs all packages as they are published, and publishes them here. Requires `pnpm build`. */
  async publish(folder: string): Promise<string[]> {
    const names: string[] = [];
    for (const one of publishedFolders(repository)) {
      const path = join(repository, one);
      const { name, version } = readPackageJson(path);
      const { stdout } = await execute('pnpm', ['pack', '--json', '--pack-destination', folder], { cwd: path });
      const { filename } = JSON.parse(stdout) as { filename: string };
      await this.publishTarball(join(folder, basename(filename)));
      names.push(`${name}@${version}`);
    }
    return names;
  }

  /** Publishes a packed package. */
  async publishTarball(file: string): Promise<void> {
    const token = ['--registry', this.url, `--${this.url.replace('http:', '')}:_authToken=local`];
    await execute('npm', ['publish', ...token, '--provenance=false', file]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
