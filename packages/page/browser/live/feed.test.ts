import { create } from '@bufbuild/protobuf';
import { ActivitySchema, InstanceState, PassResult } from '@kplug/protocol/services';
import { expect, it } from 'vitest';
import { describeActivity } from './describe-activity.ts';
import { Feed } from './feed.ts';

const activity = (sequence: number) => create(ActivitySchema, { sequence: BigInt(sequence) });
const ids = (feed: Feed) => feed.rows.map(({ id }) => id);

it('keeps the latest activities, newest first, and each once', () => {
  const feed = new Feed();
  for (let sequence = 1; sequence <= 1_500; sequence++) feed.add(activity(sequence));
  feed.add(activity(1_499));
  expect(feed.rows).toHaveLength(1_000);
  expect(ids(feed).slice(0, 2)).toEqual(['1500', '1499']);
});

it('keeps still while it is held, and counts what comes', () => {
  const feed = new Feed();
  feed.add(activity(1));
  feed.hold(true);
  feed.add(activity(2));
  feed.leaveOut(7);
  expect([ids(feed), feed.waiting]).toEqual([['1'], 2]);
  feed.hold(false);
  expect([ids(feed), feed.waiting]).toEqual([['gap 1', '2', '1'], 0]);
});

it('begins again after a restart of the operator', () => {
  const feed = new Feed();
  feed.add(activity(100));
  feed.clear();
  feed.add(activity(1));
  expect(ids(feed)).toEqual(['1']);
});

it('describes what happened', () => {
  const key = 'myorg.org/v1/Table/shop/users';
  const pass = create(ActivitySchema, {
    what: {
      case: 'pass',
      value: {
        key,
        result: PassResult.RETRY,
        plugins: ['PostgreSQL 1.2.0'],
        took: { nanos: 5_000_000 },
        reason: 'Failed',
      },
    },
  });
  expect(describeActivity(pass)).toMatchObject({
    kind: 'passes',
    word: 'failed',
    subject: 'Table shop/users',
    text: 'by PostgreSQL 1.2.0 in 5.0 ms, Failed',
    isBad: true,
  });
  const change = create(ActivitySchema, {
    what: { case: 'instance', value: { plugin: 'A', version: '1', instanceId: 'a1', state: InstanceState.LIVE } },
  });
  expect(describeActivity(change)).toMatchObject({ word: 'live', subject: 'A 1', text: 'a1, new', isBad: false });
  expect(describeActivity(create(ActivitySchema, {}))).toMatchObject({ kind: 'unknown' });
});
