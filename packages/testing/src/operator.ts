import {
  type Controller,
  type DelegationDeclaration,
  formatKey,
  type JsonObject,
  type Resource,
} from '@kplug/controller';
import { registryOf } from '@kplug/controller/internal';
import type { Manifest, MemoryResources } from '@kplug/controller/memory';
import { OperatorTest, type OperatorTestOptions } from '@kplug/controller/testing';
import { definePlugin, type PluginDefinition, type RunningPlugin, type ServeOptions } from '@kplug/sdk';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';

const plainDelegation = { name: 'tables', base: { apiVersion, kind: 'Table' }, api: 'Table@^1.0.0' };

/** A condition of a status. */
export interface ConditionRead {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

/** An operator for the kind `Table` on resources in memory. It stops when the test ends. */
export class TestOperator {
  readonly #operator: OperatorTest;

  /** @param delegation changes of the default delegation of `Table`; `false` for none. */
  constructor(
    delegation: Partial<DelegationDeclaration> | false = {},
    options: Partial<Omit<OperatorTestOptions, 'delegations'>> = {},
  ) {
    this.#operator = new OperatorTest({
      delegations: delegation ? [{ ...plainDelegation, ...delegation }] : [],
      lease: { interval: 200, ttl: 1_000 },
      logger: pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' }),
      ...options,
    });
  }

  get resources(): MemoryResources {
    return this.#operator.resources;
  }

  get controller(): Controller {
    return this.#operator.controller;
  }

  static async start(...args: ConstructorParameters<typeof TestOperator>): Promise<TestOperator> {
    const operator = new TestOperator(...args);
    await operator.controller.start();
    onTestFinished(() => operator.controller.stop());
    return operator;
  }

  /** Requests an instance to drain. */
  drain(instanceId: string): void {
    registryOf(this.controller).drain(instanceId);
  }

  /** Serves a plugin of the API `Table` in this process. It stops with the test. */
  async plugin(
    given: Partial<PluginDefinition> & Pick<PluginDefinition, 'name'>,
    options: ServeOptions = {},
  ): Promise<RunningPlugin> {
    const plugin = definePlugin({
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: () => ({ status: { by: given.name } }),
      ...given,
    });
    return this.serve(plugin, options);
  }

  /** Serves any plugin in this process. It stops when the test ends. */
  async serve(
    plugin: { serve(options: ServeOptions): Promise<RunningPlugin> },
    options: ServeOptions = {},
  ): Promise<RunningPlugin> {
    const running = await this.#operator.serve(plugin, options);
    onTestFinished(() => running.stop());
    return running;
  }

  /** Applies a `Table`. */
  table(name: string, spec: JsonObject = {}): Resource {
    return this.resources.apply({ apiVersion, kind: 'Table', metadata: { name }, spec });
  }

  /** Applies an extension. */
  extension(kind: string, name: string, spec: JsonObject = {}): Resource {
    return this.resources.apply({ apiVersion, kind, metadata: { name }, spec } satisfies Manifest);
  }

  /** Deletes a `Table`. */
  delete(name: string): void {
    this.resources.delete(keyFor('Table', name));
  }

  get(name: string, kind = 'Table'): Resource | undefined {
    return this.resources.get(keyFor(kind, name));
  }

  /** Returns a condition of a `Table`. */
  condition(name: string, type: string): ConditionRead | undefined {
    const conditions = (this.get(name)?.status?.conditions ?? []) as unknown as ConditionRead[];
    return conditions.find((condition) => condition.type === type);
  }

  /** Waits for a condition of a `Table`. */
  async expectCondition(name: string, type: string, expected: Partial<ConditionRead>): Promise<void> {
    await vi.waitFor(() => expect(this.condition(name, type)).toMatchObject(expected), {
      timeout: 10_000,
      interval: 5,
    });
  }

  /** Waits until a `Table` is ready in its current generation. @param implementation plugin that has to have reconciled it. */
  async expectReady(name: string, implementation?: string): Promise<void> {
    const { generation } = this.get(name)?.metadata ?? {};
    await this.expectCondition(name, 'Ready', {
      status: 'True',
      ...(generation ? { observedGeneration: generation } : {}),
    });
    if (implementation) {
      await vi.waitFor(() => expect(this.get(name)?.status).toMatchObject({ implementation }), {
        timeout: 10_000,
        interval: 5,
      });
    }
  }
}

/** Returns the key of a resource. */
export function keyFor(kind: string, name: string): string {
  return formatKey({ apiVersion, kind, namespace: 'default', name });
}

/** Returns a reference to an extension. */
export function reference(kind: string, name: string, more: JsonObject = {}): JsonObject {
  return { apiVersion, kind, name, ...more };
}
