import type { Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';
import { type Contender, formatShare, type HeartbeatRounds, measureHeartbeats } from './heartbeat-stage.ts';

const contenders = {
  unary: { server: 'heartbeat-server', way: 'unary' },
  session: { server: 'heartbeat-server', way: 'session' },
  raw: { server: 'raw-server', way: 'unary' },
  grpc: { server: 'grpc-server', way: 'unary' },
  rawTrailers: { server: 'raw-server', way: 'unary', trailers: true },
  unaryTwice: { server: 'heartbeat-server', way: 'unary', loadProcesses: 2 },
  rawTwice: { server: 'raw-server', way: 'unary', loadProcesses: 2 },
} satisfies Record<string, Contender>;

type ContenderName = keyof typeof contenders;

/** Heartbeats per second that the controller handles, unary and in sessions. */
export const heartbeats: Scenario = {
  name: 'heartbeats',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [5, 50] : [10, 100, 1_000];
    const main = quick ? 50 : 100;
    const measured = new Map<number, Partial<Record<ContenderName, HeartbeatRounds>>>();
    for (const instances of sizes) {
      progress(`${instances} instances`);
      const names: ContenderName[] =
        instances === main
          ? ['raw', 'grpc', 'unary', 'session', 'rawTrailers', 'rawTwice', 'unaryTwice']
          : ['raw', 'unary', 'session'];
      measured.set(instances, await measureHeartbeats(contenders, names, instances, quick));
    }
    return report(measured, main);
  },
};

function report(measured: Map<number, Partial<Record<ContenderName, HeartbeatRounds>>>, main: number): Report {
  const at = (name: ContenderName, instances = main): HeartbeatRounds => {
    const rounds = measured.get(instances)?.[name];
    if (!rounds) throw new Error(`${name} was not measured with ${instances} instances`);
    return rounds;
  };
  const compare = (what: string, key: 'rate' | 'cpu', name: ContenderName, peer: ContenderName, peerIs: string) => ({
    what,
    unit: key === 'rate' ? 'heartbeats/s' : 'µs',
    figure: median(at(name)[key]),
    peer: { what: peerIs, figure: median(at(peer)[key]) },
    ratio: medianRatio(at(name)[key], at(peer)[key]),
  });
  const line = (what: string, name: ContenderName, key: 'rate' | 'cpu', isPeer: boolean) => ({
    what,
    isPeer,
    points: [...measured.keys()].map((work) => ({ work, cost: median(at(name, work)[key]) })),
  });
  return {
    name: 'heartbeats',
    title: 'Heartbeats per second',
    method: `The controller's heartbeat port and registry run in one process. Another process has ${main} instances, each with its own
connection and one heartbeat in flight. Heartbeats in sessions have no response, so a round of them is sent when the last round but one has
been read. The load writes prepared bytes and reads only the headers of frames, so the server is the bottleneck; all servers get the same
bytes. The peer is \`node:http2\` alone: it reads the body and responds with one of the same size, without decoding or registering
anything. grpc-js alone, which the port is built on, responds to bytes with bytes.`,
    comparisons: [
      {
        ...compare('unary', 'rate', 'unary', 'raw', '`node:http2` alone'),
        goal: { of: 'ratio', is: 'at least', value: 0.55 },
      },
      compare('unary', 'rate', 'unary', 'grpc', 'grpc-js alone'),
      compare('grpc-js alone', 'rate', 'grpc', 'raw', '`node:http2` alone'),
      compare('unary', 'rate', 'unary', 'rawTrailers', '`node:http2` alone, with the trailers of gRPC'),
      {
        ...compare('in sessions', 'rate', 'session', 'unary', 'unary'),
        goal: { of: 'ratio', is: 'at least', value: 3 },
      },
      compare('CPU time of a unary heartbeat', 'cpu', 'unary', 'raw', '`node:http2` alone'),
      compare('CPU time of a heartbeat in a session', 'cpu', 'session', 'unary', 'unary'),
      compare('unary, load from two processes', 'rate', 'unaryTwice', 'unary', 'load from one process'),
      compare('`node:http2`, load from two processes', 'rate', 'rawTwice', 'raw', 'load from one process'),
    ],
    growth: [
      {
        name: 'rate',
        title: 'Heartbeats per second by number of instances',
        work: 'instances',
        cost: 'heartbeats/s',
        scale: 'logarithmic',
        series: [
          line('in sessions', 'session', 'rate', false),
          line('unary', 'unary', 'rate', false),
          line('node:http2 alone', 'raw', 'rate', true),
        ],
      },
    ],
    notes: [
      `CPU usage of the server, with that of the load in parentheses: ${formatShare(at('unary').serverShare)} unary
(${formatShare(at('unary').loadShare)}), ${formatShare(at('session').serverShare)} in sessions
(${formatShare(at('session').loadShare)}), ${formatShare(at('raw').serverShare)} with \`node:http2\` (${formatShare(at('raw').loadShare)}).
It exceeds 100 % because of garbage collector and compiler threads. If both are below 100 %, the machine had other load, and the CPU time is
more significant than the rate.`,
      `\`node:http2\` is slower without trailers than with them: it creates and discards an error for each stream that is closed during its
last write.`,
    ],
  };
}
