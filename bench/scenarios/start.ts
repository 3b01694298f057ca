import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sharedNow } from '../processes/commands.ts';
import type { Comparison, Report, Series } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';
import { buildOperator, type OperatorStart, startOperator, temporaryDirectory } from './operator-start.ts';

/** Measurements, by round. */
interface Round extends OperatorStart {
  /** Time of `node -e 0`. */
  node: number;
}

type Mark = keyof Round;

const marks: Record<Mark, string> = {
  node: 'node -e 0',
  delegating: 'operator ready',
  passed: 'end of the first pass',
  called: 'first call of a plugin',
  calledForAll: 'calls of a plugin for all resources',
};

/** Time from the start of an operator to its first pass. */
export const start: Scenario = {
  name: 'start',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [1, 10] : [1, 10, 100, 1_000];
    const rounds = quick ? 1 : 7;
    const measured = new Map<number, Round[]>();
    progress('building the operator');
    await buildOperator(false);
    for (const resources of sizes) {
      progress(`${resources} resources`);
      // Fewer rounds with many resources, as these take long and have no goal.
      measured.set(
        resources,
        await times(resources < 100 ? rounds : Math.ceil(rounds / 3), () => startOperator(resources)),
      );
    }
    progress('with a compile cache');
    await using cache = await temporaryDirectory();
    await startOperator(1, cache.path);
    const cached = await times(rounds, () => startOperator(1, cache.path));
    return report(measured, cached);
  },
};

async function times(rounds: number, measure: () => Promise<OperatorStart>): Promise<Round[]> {
  const found: Round[] = [];
  for (let round = 0; round < rounds; round++) found.push({ node: await startNode(), ...(await measure()) });
  return found;
}

async function startNode(): Promise<number> {
  const startedAt = sharedNow();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return sharedNow() - startedAt;
}

function report(measured: ReadonlyMap<number, readonly Round[]>, cached: readonly Round[]): Report {
  const one = measured.get(1) ?? [];
  const line = (mark: Mark): Series => ({
    what: marks[mark],
    isPeer: mark === 'node',
    points: [...measured].map(([work, rounds]) => ({ work, cost: median(rounds.map((round) => round[mark])) })),
  });
  const goal = { of: 'figure', is: 'below', value: 500 } as const;
  return {
    name: 'start',
    title: 'Start of the operator',
    method: `The operator runs from the folder of its image, with one resource in a directory and with all its ports. Times count from the
spawn of its process; they are the median of ${one.length} starts. The log has the end of the first pass, in which the operator finds no
plugin or calls one. For the call, the process of a plugin has already started and registers as soon as the operator listens, so the delay
between its attempts is not included. With a compile cache (\`NODE_COMPILE_CACHE\`) Node.js does not compile the sources again from the
second start on. The peer is a Node.js process that does nothing.`,
    comparisons: [
      compare(one, 'delegating', marks.delegating),
      { ...compare(one, 'passed', marks.passed), goal },
      { ...compare(one, 'called', marks.called), goal },
      { ...compare(cached, 'passed', `with a compile cache: ${marks.passed}`), goal },
      { ...compare(cached, 'called', `with a compile cache: ${marks.called}`), goal },
    ],
    growth: [
      {
        name: 'time',
        title: 'Time from the start of the process by number of resources, each in a file',
        work: 'resources',
        cost: 'ms',
        scale: 'logarithmic',
        series: [line('calledForAll'), line('called'), line('passed'), line('node')],
        goal: { what: 'goal', value: goal.value },
      },
    ],
    notes: [],
  };
}

function compare(rounds: readonly Round[], mark: Mark, what: string): Comparison {
  const figures = rounds.map((round) => round[mark]);
  const peers = rounds.map(({ node }) => node);
  return {
    what,
    unit: 'ms',
    figure: median(figures),
    peer: { what: `\`${marks.node}\``, figure: median(peers) },
    ratio: medianRatio(figures, peers),
  };
}
