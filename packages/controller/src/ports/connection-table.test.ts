import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Connection } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';

function tableOf(maxConnections: number, maxConnectionsPerPeer = maxConnections) {
  const table = new ConnectionTable({ maxConnections, maxConnectionsPerPeer });
  const connect = (address: string) => {
    const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
    const connection = new Connection(socket, false, (one, stage) => table.move(one, stage));
    return { connection, isAdded: table.add(connection), isOpen: () => !socket.destroyed };
  };
  return { table, connect };
}

it('replaces the oldest connection of the earliest stage when it is full', () => {
  const { table, connect } = tableOf(3);
  const [waiting, silent, younger] = [connect('10.0.0.1'), connect('10.0.0.2'), connect('10.0.0.3')];
  waiting.connection.requestOpened();
  expect(connect('10.0.0.4').isAdded).toBe(true);
  expect([waiting, silent, younger].map((one) => one.isOpen())).toEqual([true, false, true]);
  expect(table.size).toBe(3);
});

it('replaces idle connections before waiting ones, and answered ones last', () => {
  const { connect } = tableOf(3);
  const [waiting, idle, answered] = [connect('10.0.0.1'), connect('10.0.0.2'), connect('10.0.0.3')];
  for (const { connection } of [waiting, idle, answered]) connection.requestOpened();
  idle.connection.requestClosed();
  answered.connection.requestAnswered();
  const closed = () => [waiting, idle, answered].map((one) => !one.isOpen());
  for (const expected of [
    [false, true, false],
    [true, true, false],
    [true, true, true],
  ]) {
    connect('10.0.0.9').connection.trust();
    expect(closed()).toEqual(expected);
  }
});

it('never closes trusted connections for others', () => {
  const { table, connect } = tableOf(2);
  const trusted = [connect('10.0.0.1'), connect('10.0.0.2')];
  for (const { connection } of trusted) connection.trust();
  expect(connect('10.0.0.3').isAdded).toBe(false);
  expect(trusted.every((one) => one.isOpen())).toBe(true);
  trusted[0]?.connection.requestOpened();
  trusted[0]?.connection.requestClosed();
  expect(connect('10.0.0.3').isAdded).toBe(false);
  if (trusted[0]) table.remove(trusted[0].connection);
  expect(connect('10.0.0.3').isAdded).toBe(true);
});

// Without the limit by peer, one address takes the whole table.
it('lets other peers in when one peer floods it', () => {
  const { table, connect } = tableOf(100, 10);
  const honest = connect('10.0.0.1');
  const flood = Array.from({ length: 1_000 }, (_, index) => connect(`2001:db8:1:2:${index.toString(16)}::1`));
  for (const { connection } of flood) connection.requestOpened();
  expect(honest.isOpen()).toBe(true);
  expect(table.size).toBe(11);
  expect(connect('2001:db8:1:3::1').isAdded).toBe(true);
  expect(table.size).toBe(12);
});

it('has no limit by peer for this machine, whose processes share one address', () => {
  const { table, connect } = tableOf(100, 10);
  for (let index = 0; index < 50; index++) connect('127.0.0.1');
  expect(table.size).toBe(50);
});
