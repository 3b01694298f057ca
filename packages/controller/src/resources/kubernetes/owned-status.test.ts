import { expect, it } from 'vitest';
import { ownedStatus } from './owned-status.ts';

it('is the part of a status that a manager owns', () => {
  const status = {
    rows: 1,
    size: { bytes: 10, files: 2 },
    plugin: { name: 'a' },
    tags: ['x', 'y'],
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Synced', status: 'True' },
    ],
  };
  const fields = {
    'f:rows': {},
    'f:size': { '.': {}, 'f:bytes': {} },
    'f:plugin': {},
    'f:tags': { 'v:"y"': {} },
    'f:conditions': { 'k:{"type":"Synced"}': { '.': {}, 'f:type': {}, 'f:status': {} } },
    'f:gone': {},
  };
  expect(ownedStatus(status, fields)).toEqual({
    rows: 1,
    size: { bytes: 10 },
    plugin: { name: 'a' },
    tags: ['y'],
    conditions: [{ type: 'Synced', status: 'True' }],
  });
  expect(ownedStatus(status, undefined)).toEqual({});
  expect(ownedStatus(undefined, fields)).toEqual({});
});
