import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '@kplug/controller';
import { type MariaDb, startMariaDb } from '../databases/mariadb.ts';
import { findMariaDb, mariaDbMissing } from '../databases/mariadb-programs.ts';
import { type Postgres, startPostgres } from '../databases/postgres.ts';
import { type Narrator, seconds, table } from './narrator.ts';
import { PostgresView } from './postgres-view.ts';
import { lease, type PluginProcess, type Stage } from './stage.ts';
import { conditionOf, pluginOf, WatchedTables } from './watched-tables.ts';

/** Those who watch the demo on the page of the operator. */
export interface Audience {
  /** Called when the operator has started. */
  takeSeat(): Promise<void>;
  /** Called after each chapter, which goes on when it is fulfilled. */
  look(): Promise<unknown>;
}

/** Chapters of the demo. Each waits until what it reports has happened. */
export class Story {
  readonly #stage: Stage;
  readonly #tell: Narrator;
  readonly #audience: Audience | undefined;
  readonly #databases: { postgres: Promise<Postgres>; mariadb: Promise<MariaDb> | undefined };
  #tables: WatchedTables | undefined;
  #view: PostgresView | undefined;
  #postgres: PluginProcess | undefined;
  #preferred: { plugin: PluginProcess; table: string; name: string; fallback: string } | undefined;

  constructor(stage: Stage, narrator: Narrator, audience?: Audience) {
    this.#audience = audience;
    this.#stage = stage;
    this.#tell = narrator;
    // The databases start during the first chapter.
    this.#databases = { postgres: startPostgres(), mariadb: findMariaDb() ? startMariaDb() : undefined };
    for (const database of [this.#databases.postgres, this.#databases.mariadb]) {
      // The chapter that needs the database reports its failure.
      database?.catch(() => undefined);
      stage.atEnd(async () => (await database?.catch(() => undefined))?.stop());
    }
  }

  async tell(): Promise<void> {
    this.#tell.begin('Kplug: plugins that reconcile are chosen at run time');
    const chapters = [
      () => this.#operatorStarts(),
      () => this.#pluginAppears(),
      () => this.#userEdits(),
      () => this.#preferredAppears(),
      () => this.#versionIsReplaced(),
      () => this.#pluginIsKilled(),
    ];
    for (const chapter of chapters) {
      await chapter();
      await this.#audience?.look();
    }
    this.#summary();
  }

  get #watched(): WatchedTables {
    if (!this.#tables) throw new Error('the operator has not been started');
    return this.#tables;
  }

  async #operatorStarts(): Promise<void> {
    this.#tell.chapter('1  An operator for DatabaseTable starts without plugins');
    const operator = await this.#tell.during('The operator starts', () => this.#stage.startOperator());
    this.#tables = await WatchedTables.follow(operator.resources);
    this.#tell.say(`Plugins send heartbeats to ${operator.heartbeatAddress}`);
    this.#tell.say(`The resources are in ${this.#stage.manifests}`);
    await this.#audience?.takeSeat();
    await this.#stage.write('users.yaml', await manifest('users.yaml'));
    const users = await this.#watched.until(
      'users',
      (resource) => conditionOf(resource, 'Ready')?.reason === 'NoPlugin',
    );
    this.#tell.show('users.yaml was applied; its status', conditions(users));
  }

  async #pluginAppears(): Promise<void> {
    this.#tell.chapter('2  A PostgreSQL plugin registers; MariaDB is preferred, but not registered');
    const postgres = await this.#tell.during('A real PostgreSQL starts', () => this.#databases.postgres);
    this.#view = await this.#stage.start(
      () => PostgresView.connect(postgres.url),
      (view) => view.close(),
    );
    this.#postgres = this.#stage.startPlugin('postgresql', { ...postgres.env, PLUGIN_VERSION: '1.0.0' });
    const users = await this.#tell.during(`The plugin starts as process ${this.#postgres.pid}, and registers`, () =>
      this.#watched.untilReady('users', 'PostgreSQL'),
    );
    this.#tell.show('The status has the plugin that was chosen, and the reason', conditions(users));
    await this.#view.insertUsers(1_000);
    const extension = await this.#watched.until(
      'users',
      ({ status }) => status?.rows === 1_000,
      'DatabaseTablePostgreSqlExtension',
    );
    this.#tell.show('The real table, partitioned by hash, with 1,000 rows', await this.#view.describe('users'));
    this.#tell.show('Status of the PostgreSQL extension', partitions(extension));
  }

  async #userEdits(): Promise<void> {
    this.#tell.chapter('3  The user edits the YAML, and another client alters the table');
    const view = this.#requireView();
    const before = await view.columns('users');
    const content = await this.#stage.edit('users.yaml', (yaml) =>
      yaml
        .replace('{ name: id, type: uint64 }', '{ name: id, type: int64 }')
        .replace('{ name: name, type: string }', '{ name: email, type: string }'),
    );
    this.#tell.show('users.yaml after the edit', content.match(/ {2}columns:\n( {4}.*\n)+/)?.[0].trimEnd() ?? content);
    await this.#tell.during('The plugin alters the table', () =>
      this.#watched.until('users', (resource) => resource.metadata.generation === 2 && isReady(resource)),
    );
    const after = await view.columns('users');
    this.#tell.show('The table, before and after', sideBySide(before, after));

    await view.run('ALTER TABLE users DROP COLUMN email');
    this.#tell.say('Another client: ALTER TABLE users DROP COLUMN email');
    await this.#tell.during('The plugin detects the drift and corrects it', async () => {
      while (!(await view.columns('users')).some(([name]) => name === 'email')) await sleep(50);
    });
  }

  async #preferredAppears(): Promise<void> {
    this.#tell.chapter('4  Preferred implementations register');
    await this.#stage.write('sessions.yaml', await manifest('sessions.yaml'));
    await this.#watched.untilReady('sessions', 'PostgreSQL');
    this.#tell.say('A second table, sessions, prefers SQLite, and falls back to PostgreSQL');
    const sqlite = this.#stage.startPlugin('sqlite', { SQLITE_DIRECTORY: this.#stage.sqliteDirectory });
    await this.#movesOver('sessions', 'SQLite', () => this.#watched.untilReady('sessions', 'SQLite'));
    this.#preferred = { plugin: sqlite, table: 'sessions', name: 'SQLite', fallback: 'PostgreSQL' };

    if (!this.#databases.mariadb) {
      this.#tell.say(`${mariaDbMissing} With it, this demo moves users to MariaDB too.`);
      return;
    }
    const mariadb = await this.#databases.mariadb;
    const plugin = this.#stage.startPlugin('mariadb', mariadb.env);
    await this.#movesOver('users', 'MariaDB', () => this.#watched.untilReady('users', 'MariaDB'));
    this.#preferred = { plugin, table: 'users', name: 'MariaDB', fallback: 'PostgreSQL' };
  }

  async #movesOver(name: string, implementation: string, until: () => Promise<Resource>): Promise<void> {
    const seen = [pluginOf(this.#watched.get(name))];
    const stop = this.#watched.onChange((resource) => {
      const now = pluginOf(resource);
      if (resource.kind === 'DatabaseTable' && resource.metadata.name === name && seen.at(-1) !== now) seen.push(now);
    });
    const resource = await this.#tell.during(`A ${implementation} plugin starts, and ${name} moves to it`, until);
    await this.#stage.operator.whenIdle();
    stop();
    if (seen.length !== 2) throw new Error(`${name} moved more than once: ${seen.join(' -> ')}`);
    this.#tell.show(`${name} moved once: ${seen.join(' -> ')}`, conditions(resource, 'PluginSelected'));
    this.#tell.say(`The table in ${seen[0]} is retained, as handOver is retain by default`);
  }

  async #versionIsReplaced(): Promise<void> {
    this.#tell.chapter('5  A new version of the PostgreSQL plugin replaces the old one, under load');
    const names = Array.from({ length: 20 }, (_, index) => `load-${index + 1}`);
    const write = (edit: number) =>
      this.#stage.write('load.yaml', names.map((name) => loadManifest(name, edit)).join('---\n'));
    await this.#tell.during('20 more tables are created', async () => {
      await write(0);
      await Promise.all(names.map((name) => this.#watched.untilReady(name, 'PostgreSQL')));
    });
    let reconciles = 0;
    const failures: string[] = [];
    const stop = this.#watched.onChange((resource) => {
      const reconciled = conditionOf(resource, 'Reconciled');
      if (!resource.metadata.name.startsWith('load-')) return;
      if (reconciled?.status === 'True') reconciles++;
      else if (reconciled) failures.push(`${resource.metadata.name}: ${reconciled.message}`);
    });
    const postgres = await this.#databases.postgres;
    await this.#tell.during('1.1.0 starts and 1.0.0 gets SIGTERM, while the tables are edited', async () => {
      const edits = { running: true };
      const editing = (async () => {
        for (let edit = 1; edits.running; edit++) {
          await write(edit);
          await sleep(100);
        }
      })();
      this.#stage.startPlugin('postgresql', { ...postgres.env, PLUGIN_VERSION: '1.1.0' });
      await this.#untilRegistered('PostgreSQL', '1.1.0');
      const code = await this.#postgres?.stop();
      edits.running = false;
      await editing;
      if (code !== 0) throw new Error(`the old plugin exited with ${code}`);
      await Promise.all(
        names.map((name) =>
          this.#watched.until(name, (resource) => pluginOf(resource) === 'PostgreSQL 1.1.0' && isReady(resource)),
        ),
      );
    });
    stop();
    if (failures.length > 0) throw new Error(`${failures.length} reconciles failed: ${failures[0]}`);
    this.#tell.say(`${reconciles} reconciles, none failed; the old process finished its calls and exited`);
  }

  async #pluginIsKilled(): Promise<void> {
    const { plugin, table: name, name: implementation, fallback } = this.#requirePreferred();
    this.#tell.chapter(`6  The ${implementation} plugin is killed with SIGKILL`);
    const startedAt = performance.now();
    plugin.kill();
    await this.#watched.untilReady(name, fallback);
    const took = performance.now() - startedAt;
    if (took > lease.ttl)
      throw new Error(`the fallback took ${seconds(took)}, longer than the lease of ${seconds(lease.ttl)}`);
    this.#tell.say(`${name} was reconciled by ${fallback} ${seconds(took)} later; the lease was ${seconds(lease.ttl)}`);
  }

  #summary(): void {
    this.#tell.chapter('7  Summary');
    const rows = this.#watched.all().filter(({ metadata }) => !metadata.name.startsWith('load-'));
    const load = this.#watched.all().length - rows.length;
    const lines = rows.map((resource) => [
      resource.metadata.name,
      String((resource.spec as { preferredImplementation?: string }).preferredImplementation ?? ''),
      pluginOf(resource),
      conditionOf(resource, 'PluginSelected')?.reason ?? '',
      conditionOf(resource, 'Ready')?.status ?? '',
      resource.metadata.generation,
    ]);
    const head = ['TABLE', 'PREFERS', 'PLUGIN', 'REASON', 'READY', 'GENERATION'];
    this.#tell.show(`Resources (without ${load} tables of the load test)`, table(head, lines));
  }

  async #untilRegistered(plugin: string, version: string): Promise<void> {
    const { registry } = this.#stage.operator;
    const isRegistered = () =>
      [...registry.instances()].some(
        ({ registration }) => registration.plugin === plugin && registration.version === version,
      );
    await new Promise<void>((resolve) => {
      if (isRegistered()) return resolve();
      const stop = registry.subscribe(() => {
        if (!isRegistered()) return;
        stop();
        resolve();
      });
    });
  }

  #requireView(): PostgresView {
    if (!this.#view) throw new Error('PostgreSQL has not been started');
    return this.#view;
  }

  #requirePreferred() {
    if (!this.#preferred) throw new Error('no preferred plugin has been started');
    return this.#preferred;
  }
}

function manifest(file: string): Promise<string> {
  return readFile(new URL(`../manifests/${file}`, import.meta.url), 'utf8');
}

function loadManifest(name: string, edit: number): string {
  return `apiVersion: myorg.org/v1alpha1
kind: DatabaseTable
metadata: { name: ${name} }
spec:
  serverName: authorization-cluster
  preferredImplementation: PostgreSQL
  columns:
    - { name: id, type: uint64 }
    - { name: ${edit % 2 ? 'odd' : 'even'}, type: string }
`;
}

function isReady(resource: Resource): boolean {
  const ready = conditionOf(resource, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === resource.metadata.generation;
}

function conditions(resource: Resource, ...only: string[]): string {
  const types = only.length > 0 ? only : ['PluginSelected', 'Reconciled', 'Ready'];
  const rows = types.map((type) => {
    const { status = '', reason = '', message = '' } = conditionOf(resource, type) ?? {};
    return [type, status, reason, message.split('; ')[0] ?? ''];
  });
  return table(['CONDITION', 'STATUS', 'REASON', 'MESSAGE'], rows);
}

function partitions({ status }: Resource): string {
  const {
    partitions: count,
    rows,
    sizeBytes,
    details,
  } = status as unknown as {
    partitions: number;
    rows: number;
    sizeBytes: number;
    details: { name: string; rows: number; sizeBytes: number }[];
  };
  const lines = details.map((partition) => [partition.name, partition.rows, partition.sizeBytes]);
  return table(['PARTITION', 'ROWS', 'BYTES'], [...lines, [`${count} in total`, rows, sizeBytes]]);
}

function sideBySide(before: string[][], after: string[][]): string {
  const rows = Array.from({ length: Math.max(before.length, after.length) }, (_, index) => {
    const [nameBefore = '', typeBefore = ''] = before[index] ?? [];
    const [nameAfter = '', typeAfter = ''] = after[index] ?? [];
    return [nameBefore, typeBefore, '->', nameAfter, typeAfter];
  });
  return table(['COLUMN', 'TYPE', '', 'COLUMN', 'TYPE'], rows);
}
