import { HeartbeatStage } from './heartbeat-stage.ts';

/** New sessions after all connections broke, by round. */
export interface ReconnectRounds {
  plugins: number;
  plain: Reconnects;
  secured: Reconnects;
}

interface Reconnects {
  /** Sessions that are open after a second. */
  rate: number[];
  /** CPU time of the server for each session, in microseconds. */
  cpu: number[];
}

/** Lets plugins connect again at the same time, with and without TLS in turn. */
export async function measureReconnects(plugins: number, rounds: number): Promise<ReconnectRounds> {
  await using plain = new HeartbeatStage({ server: 'heartbeat-server', way: 'session' });
  await using secured = new HeartbeatStage({ server: 'heartbeat-server', way: 'session', isSecured: true });
  const found = { plugins, plain: { rate: [], cpu: [] }, secured: { rate: [], cpu: [] } } satisfies ReconnectRounds;
  const stages = { plain, secured };
  for (const stage of Object.values(stages)) await stage.connect(plugins);
  // An additional first round, for the compilers.
  for (let round = -1; round < rounds; round++) {
    for (const name of ['plain', 'secured'] as const) {
      const { rate, cpu } = await stages[name].reconnect(plugins);
      const { rate: rates, cpu: cpus }: Reconnects = found[name];
      if (round < 0) continue;
      rates.push(rate);
      cpus.push(cpu);
    }
  }
  return found;
}
