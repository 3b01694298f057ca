import type { Comparison, Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';
import { type CallRounds, measureCalls } from './call-stage.ts';
import { formatShare, type HeartbeatRounds, measureHeartbeats } from './heartbeat-stage.ts';
import { measureReconnects, type ReconnectRounds } from './reconnects.ts';
import { countReviews, type ReviewCounts } from './token-reviews.ts';

const contenders = {
  session: { server: 'heartbeat-server', way: 'session' },
  securedSession: { server: 'heartbeat-server', way: 'session', isSecured: true },
  unary: { server: 'heartbeat-server', way: 'unary' },
  securedUnary: { server: 'heartbeat-server', way: 'unary', isSecured: true },
  raw: { server: 'raw-server', way: 'unary' },
  securedRaw: { server: 'raw-server', way: 'unary', isSecured: true },
} as const;

type ContenderName = keyof typeof contenders;

/** Everything that was measured. */
interface Measured {
  heartbeats: ReadonlyMap<number, Partial<Record<ContenderName, HeartbeatRounds>>>;
  /** Number of instances of the comparisons. */
  main: number;
  calls: CallRounds;
  reconnects: ReconnectRounds;
  reviews: ReviewCounts;
}

/** Cost of TLS and of the proofs of identities, beside plain text. */
export const trust: Scenario = {
  name: 'trust',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [5, 50] : [10, 100, 1_000];
    const main = quick ? 50 : 100;
    const heartbeats = new Map<number, Partial<Record<ContenderName, HeartbeatRounds>>>();
    for (const instances of sizes) {
      progress(`heartbeats of ${instances} instances`);
      const names = instances === main ? (Object.keys(contenders) as ContenderName[]) : sessions;
      heartbeats.set(instances, await measureHeartbeats(contenders, names, instances, quick));
    }
    progress('calls');
    const calls = await measureCalls(quick);
    progress('new sessions');
    const reconnects = await measureReconnects(quick ? 50 : 1_000, quick ? 1 : 5);
    progress('TokenReviews, in virtual time');
    const reviews = await countReviews(quick ? 20 : 1_000);
    return report({ heartbeats, main, calls, reconnects, reviews });
  },
};

const sessions: readonly ContenderName[] = ['session', 'securedSession'];

function report(measured: Measured): Report {
  const { heartbeats, main, reconnects, reviews } = measured;
  const at = roundsOf(measured);
  const line = (what: string, name: ContenderName, isPeer: boolean) => ({
    what,
    isPeer,
    points: [...heartbeats.keys()].map((work) => ({ work, cost: median(at(name, work).cpu) })),
  });
  const share = (name: ContenderName) => `${formatShare(at(name).serverShare)} (${formatShare(at(name).loadShare)})`;
  return {
    name: 'trust',
    title: 'Cost of TLS and identities',
    method: `Each figure with TLS 1.3 and proven identities is shown with that of the same load without them, measured alternately.

Heartbeats: the load of [Heartbeats per second](#heartbeats-per-second), with ${main} instances. With TLS, each of them has a ServiceAccount token of
its own of about 1,200 bytes, and registers a certificate. A unary heartbeat brings both again. The API server that reviews the tokens is a
function that accepts them. \`node:http2\` alone gets the same bytes, and shows what TLS itself costs.

Calls: the client of the operator calls a plugin with Kplug's SDK in its own process, with 32 concurrent calls: plain text on the loopback
interface, and mTLS with the operator's certificate and the one that the plugin registered. grpc-js alone makes the same calls.

New sessions: ${reconnects.plugins.toLocaleString('en')} connected plugins lose their connections and connect again at the same time. The time ends when all of them
have a lease. Their tokens are known, so that these are not reviewed.

TokenReviews: ${reviews.plugins.toLocaleString('en')} plugins start at the same time and send a heartbeat every 5 s, for one hour of virtual time; their tokens last an
hour and are renewed after 48 minutes. The reviews that the operator makes are counted. The peer is a review for each heartbeat.`,
    comparisons: [
      ...compareHeartbeats(measured),
      ...compareCalls(measured),
      ...compareReconnects(measured),
      ...compareReviews(measured),
    ],
    growth: [
      {
        name: 'cpu',
        title: 'CPU time of the server for a heartbeat in a session by number of instances',
        work: 'instances',
        cost: 'µs',
        scale: 'linear',
        series: [line('with TLS', 'securedSession', false), line('plain text', 'session', true)],
      },
    ],
    notes: [
      `CPU usage of the server, with that of the load in parentheses: in sessions ${share('securedSession')} with TLS and ${share('session')}
without, unary ${share('securedUnary')} and ${share('unary')}, \`node:http2\` ${share('securedRaw')} and ${share('raw')}. Where
the load encrypts, too, and the server isn't busy all the time, the CPU time is more significant than the rate.`,
      `The largest number of TokenReviews in one second, after those of the start, is ${reviews.session.mostInSecond.toLocaleString('en')} in sessions and
${reviews.unary.mostInSecond.toLocaleString('en')} with unary heartbeats. It is that of plugins that started together, and decreases with time.`,
    ],
  };
}

function roundsOf({ heartbeats, main }: Measured) {
  return (name: ContenderName, instances = main): HeartbeatRounds => {
    const rounds = heartbeats.get(instances)?.[name];
    if (!rounds) throw new Error(`${name} was not measured with ${instances} instances`);
    return rounds;
  };
}

/** Compares rounds with TLS with those without. */
function compare(what: string, unit: string, secured: readonly number[], plain: readonly number[]): Comparison {
  return {
    what,
    unit,
    figure: median(secured),
    peer: { what: 'plain text', figure: median(plain) },
    ratio: medianRatio(secured, plain),
  };
}

function compareHeartbeats(measured: Measured): Comparison[] {
  const at = roundsOf(measured);
  const of = (what: string, key: 'rate' | 'cpu', secured: ContenderName, plain: ContenderName) =>
    compare(what, key === 'rate' ? 'heartbeats/s' : 'µs', at(secured)[key], at(plain)[key]);
  return [
    {
      ...of('heartbeats in sessions', 'rate', 'securedSession', 'session'),
      goal: { of: 'ratio', is: 'at least', value: 0.8 },
    },
    of('unary heartbeats', 'rate', 'securedUnary', 'unary'),
    of('`node:http2` alone', 'rate', 'securedRaw', 'raw'),
    of('CPU time of a heartbeat in a session', 'cpu', 'securedSession', 'session'),
    of('CPU time of a unary heartbeat', 'cpu', 'securedUnary', 'unary'),
    of('CPU time: `node:http2` alone', 'cpu', 'securedRaw', 'raw'),
  ];
}

function compareCalls({ calls }: Measured): Comparison[] {
  const of = (what: string, way: 'operator' | 'bytes', key: 'rate' | 'cpu' | 'pluginCpu') =>
    compare(what, key === 'rate' ? 'calls/s' : 'µs', calls.secured[way][key], calls.plain[way][key]);
  return [
    { ...of('calls of a plugin', 'operator', 'rate'), goal: { of: 'ratio', is: 'at least', value: 0.85 } },
    of('calls by grpc-js alone', 'bytes', 'rate'),
    of('CPU time of a call: operator', 'operator', 'cpu'),
    of('CPU time of a call: plugin', 'operator', 'pluginCpu'),
    of('CPU time of a call by grpc-js alone', 'bytes', 'cpu'),
  ];
}

function compareReconnects({ reconnects: { secured, plain } }: Measured): Comparison[] {
  return [
    compare('new sessions', 'sessions/s', secured.rate, plain.rate),
    compare('CPU time of a new session', 'µs', secured.cpu, plain.cpu),
  ];
}

function compareReviews({ reviews }: Measured): Comparison[] {
  return (['session', 'unary'] as const).map((way) => {
    const { reviews: figure, heartbeats } = reviews[way];
    const peer = { what: 'one for each heartbeat', figure: heartbeats };
    const what = `TokenReviews for ${reviews.plugins.toLocaleString('en')} plugins${way === 'session' ? '' : ', unary heartbeats'}`;
    return { what, unit: 'an hour', figure, peer, ratio: figure / heartbeats };
  });
}
