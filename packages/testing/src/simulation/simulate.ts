import fc from 'fast-check';
import { anyCommands } from './actions/index.ts';
import { anyScenario } from './scenario.ts';
import { World } from './world.ts';

/** Options of a simulation. */
export interface SimulationOptions {
  /** Least number of commands. */
  steps: number;
  seed: number;
  /** Path of a counterexample, which alone is run. */
  path?: string;
  /** Path of its commands, which a failure prints. */
  replayPath?: string;
  /** Ends at the first failure, without looking for a shorter history. */
  endOnFailure?: boolean;
  /** Receives the world of each run that found no violation. */
  onRun?: (world: World) => void;
}

/** Result of a simulation that found no violation. */
export interface SimulationResult {
  runs: number;
  /** Commands of users, plugins and faults. */
  commands: number;
  /** Steps that the scheduler has let happen: requests, answers, watch events, heartbeats. */
  released: number;
}

/** Largest number of commands of a run. */
const maxCommands = 60;

/**
 * Runs the simulation. Deterministic: the same seed gives the same histories. Throws a report of the first violation, with the seed, the
 * path, the commands and the history of the shortest failing run that was found.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { steps, seed, path, replayPath, endOnFailure = false, onRun } = options;
  const result: SimulationResult = { runs: 0, commands: 0, released: 0 };
  const property = fc.asyncProperty(
    anyScenario,
    fc.scheduler(),
    anyCommands(maxCommands, replayPath),
    async (scenario, scheduler, commands) => {
      if (result.commands >= steps) return;
      await using world = new World(scenario, scheduler);
      try {
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
        await world.release();
        await world.rest();
        await world.end();
      } finally {
        result.runs++;
        result.commands += world.commands;
        result.released += world.released;
      }
      onRun?.(world);
    },
  );
  const parameters = { seed, numRuns: steps, endOnFailure, ...(path !== undefined && { path }) };
  await fc.assert(property, parameters);
  return result;
}
