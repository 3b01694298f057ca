import type { JsonObject, Resource } from '@kplug/controller';
import { describe, expect, it } from 'vitest';
import { readDelegatedStatus } from './delegated-status.ts';

function withStatus(status?: JsonObject): Resource {
  const metadata = { name: 'x', uid: 'x', generation: 2, resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'X', metadata, ...(status ? { status } : {}) };
}

const selected = { type: 'PluginSelected', status: 'True', reason: 'Fallback', message: '' };

describe('the status of a delegated resource', () => {
  it('has the reason of the selection when it is ready', () => {
    const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: 'done' };
    const status = {
      implementation: 'A',
      plugin: { version: '1.0.0' },
      observedGeneration: 2,
      conditions: [selected, ready],
    };
    expect(readDelegatedStatus(withStatus(status))).toEqual({
      ready: 'True',
      reason: 'Fallback',
      message: 'done',
      implementation: 'A',
      version: '1.0.0',
      observedGeneration: 2,
    });
  });

  it('is unknown while it speaks for a former generation', () => {
    const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: 'done' };
    expect(readDelegatedStatus(withStatus({ observedGeneration: 1, conditions: [selected, ready] }))).toMatchObject({
      ready: 'Unknown',
      reason: 'Outdated',
      message: 'generation 2 was not reconciled yet; done',
    });
  });

  it('has the reason of the failure when it is not', () => {
    const ready = { type: 'Ready', status: 'False', reason: 'PluginFailed', message: 'no' };
    expect(readDelegatedStatus(withStatus({ conditions: [selected, ready] }))).toMatchObject({
      reason: 'PluginFailed',
    });
  });

  it('has the percentage of the operation that has done least', () => {
    const ready = { type: 'Ready', status: 'False', reason: 'InProgress', message: '' };
    const operationsInProgress = [{ plugin: 'A', percentage: 40 }, { plugin: 'B', percentage: 10 }, { plugin: 'C' }];
    expect(readDelegatedStatus(withStatus({ conditions: [ready], operationsInProgress }))).toMatchObject({
      reason: 'InProgress',
      percentage: 10,
    });
    const unknown = readDelegatedStatus(withStatus({ conditions: [ready], operationsInProgress: [{ plugin: 'C' }] }));
    expect(unknown).not.toHaveProperty('percentage');
  });

  it('names the versions of several plugins in the order of their names', () => {
    const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '' };
    const implementations = { A: { plugin: { version: '1.0.0' } }, B: { plugin: { version: '2.0.0' } } };
    const status = { implementation: 'A,B', implementations, conditions: [ready] };
    expect(readDelegatedStatus(withStatus(status))).toMatchObject({ implementation: 'A,B', version: '1.0.0,2.0.0' });
  });

  it('is missing for a resource without one', () => {
    expect(readDelegatedStatus(withStatus())).toBeUndefined();
    expect(readDelegatedStatus(withStatus({ partitions: 4, conditions: 'none' }))).toBeUndefined();
  });
});
