import fc from 'fast-check';
import type { Simulation } from '../simulation.ts';
import { type Action, Command } from './action.ts';
import { changeController, changeDelegation, passTime } from './controller-actions.ts';
import { breakWatch, failWrites, refuseAnswers, restoreWatches } from './fault-actions.ts';
import { behave, changeProcess, replaceProcess, startPlugin } from './plugin-actions.ts';
import { applyOptions, applyTable, deleteOptions, deleteTable } from './user-actions.ts';

/** Actions, with how often each occurs in relation to the others. */
const actions: readonly { weight: number; arbitrary: fc.Arbitrary<Action> }[] = [
  { weight: 10, arbitrary: passTime },
  { weight: 8, arbitrary: applyTable },
  { weight: 3, arbitrary: deleteTable },
  { weight: 3, arbitrary: applyOptions },
  { weight: 1, arbitrary: deleteOptions },
  { weight: 6, arbitrary: startPlugin },
  { weight: 4, arbitrary: behave },
  { weight: 4, arbitrary: changeProcess },
  { weight: 1, arbitrary: replaceProcess },
  { weight: 4, arbitrary: failWrites },
  { weight: 1, arbitrary: refuseAnswers },
  { weight: 1, arbitrary: breakWatch },
  { weight: 2, arbitrary: restoreWatches },
  { weight: 1, arbitrary: changeController },
  { weight: 1, arbitrary: changeDelegation },
];

/** Steps that happen before the next command: mostly all, sometimes a few, so that commands come in between. */
const steps = fc.oneof(
  { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  { weight: 1, arbitrary: fc.nat(6) },
);

/** One command. */
export const anyCommand = fc
  .tuple(fc.oneof(...actions), steps)
  .map(([action, count]): fc.AsyncCommand<Simulation, Simulation, true> => new Command(action, count));

/** Commands of one run. */
export function anyCommands(maxCommands: number, replayPath?: string) {
  return fc.commands([anyCommand], { maxCommands, size: 'max', ...(replayPath && { replayPath }) });
}
