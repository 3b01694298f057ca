import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { addService, serviceError, v0 } from '@kplug/protocol';
import { parse } from 'yaml';

type Returned = MessageInitShape<typeof v0.ResourcesSchema>;

/** A plugin of the first Kplug's protocol that violates only the requirement that it is given. */
export class WrongV0Plugin {
  readonly server: grpc.Server;
  readonly #wrong: string;
  readonly #world = new Set<string>();
  readonly #seen = new Set<string>();
  /** Name of the resource that was read last, as by a parser that all calls share. */
  #current = '';
  #isWedged = false;
  #isLate = false;
  #updates = 0;

  constructor(wrong: string) {
    this.#wrong = wrong;
    const limit = (wrong === 'F7 large' ? 1 : 4) * 1024 * 1024;
    this.server = new grpc.Server({ 'grpc.max_receive_message_length': limit });
    addService(this.server, v0.Plugin, {
      create: (resources) => this.#make('create', resources),
      update: async (resources, call) => {
        let isInFlight = true;
        // The event is also emitted for calls that have ended.
        call.on('cancelled', () => {
          this.#isWedged ||= isInFlight && wrong === 'F7 cancelled';
        });
        await delay(15);
        isInFlight = false;
        return this.#make('update', resources);
      },
      delete: ({ base }) => this.#delete(this.#read(base?.yaml)),
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  async #make(method: 'create' | 'update', { base, references }: v0.Resources): Promise<Returned> {
    const wrong = this.#wrong;
    const name = this.#read(base?.yaml);
    if (name === undefined) return {};
    this.#current = name;
    await delay(1);
    if (wrong === 'F8' && this.#current !== name) throw this.#failure(`it was given ${this.#current} meanwhile`);
    if (wrong === 'F8 mixed') return { base: { yaml: `greeted: ${this.#current}` } };
    const keys = Object.keys(references);
    if (keys.length === 0 && wrong === 'F7 late' && !this.#isLate) {
      this.#isLate = true;
      await delay(4_000);
    }
    // Simulates a process that crashes.
    if (keys.length === 0 && wrong === 'P33') throw serviceError(grpc.status.UNAVAILABLE, 'the connection broke');
    this.#failIfWrong(method, name);
    this.#world.add(name);
    this.#seen.add(name);
    return this.#statuses(keys);
  }

  /** Throws if the violated requirement forbids that. */
  #failIfWrong(method: 'create' | 'update', name: string): void {
    const wrong = `${this.#wrong} by ${method}`;
    const isThere = this.#world.has(name);
    if (this.#isWedged) throw this.#failure('it is stuck');
    if (wrong === 'F3 create by create') throw this.#failure('deliberate failure');
    if (wrong === 'F3 again by create' && isThere) throw this.#failure('it already exists');
    if (wrong === 'F3 deleted by create' && this.#seen.has(name) && !isThere) throw this.#failure('it existed before');
    if (wrong === 'F3 update by update' && ++this.#updates === 2) throw this.#failure('it is done');
    if (wrong === 'F3 missing by update' && !isThere) throw this.#failure('it is missing');
  }

  #statuses(keys: readonly string[]): Returned {
    const wrong = this.#wrong;
    const faults: Record<string, string> = {
      'F4 list': '- letters',
      'F4 yaml': 'letters: [5',
      'F4 key': 'a: { __proto__: { letters: 5 } }',
      'F4 field': 'observedGeneration: 1',
    };
    const targets = wrong === 'F4 others' ? [...keys, 'example.org/v1/Other/default/other'] : keys;
    const written = targets.map((key) => [key, { yaml: key.endsWith('other') ? '' : 'used: true\n' }]);
    return { base: { yaml: faults[wrong] ?? 'letters: 5\n' }, references: Object.fromEntries(written) };
  }

  #delete(name: string | undefined): Record<string, never> {
    const wrong = this.#wrong;
    this.#isWedged = false;
    const wasThere = name !== undefined && this.#world.delete(name);
    const wasSeen = name !== undefined && this.#seen.has(name);
    if (wasThere && wrong === 'F5 delete') throw this.#failure('it is in use');
    if (!wasThere && wasSeen && wrong === 'F5 again') throw this.#failure('it is gone');
    if (!wasSeen && wrong === 'F5 unseen') throw this.#failure('it never existed');
    if (wrong === 'F5 answer') throw serviceError(grpc.status.INTERNAL, 'Failed to serialize response!');
    return {};
  }

  /** Returns the name of a base. Throws when the base is not readable. */
  #read(yaml: string | undefined): string | undefined {
    try {
      return (parse(yaml ?? '') as { metadata: { name: string } }).metadata.name;
    } catch {
      if (this.#wrong === 'P32') return undefined;
      throw this.#failure('the base is not readable');
    }
  }

  #failure(text: string): grpc.ServiceError {
    return serviceError(grpc.status.FAILED_PRECONDITION, this.#wrong === 'F6' ? '' : text);
  }
}
