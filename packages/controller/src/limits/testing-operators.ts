import { milliseconds, seconds } from './limit.ts';

/** Limits of an operator in a test. */
export const testingOperators = {
  waitTimeout: milliseconds(10 * seconds, 'Longest time that a test waits for a resource or a plugin.', {
    settings: ['timeout option of the wait'],
  }),
  pollInterval: milliseconds(5, 'Interval at which a test asks whether a plugin is registered.'),
  backOffInitial: milliseconds(20, 'Delay before the first retry of a call; it doubles.', {
    settings: ['backOff.initial of the delegation'],
  }),
  backOffMax: milliseconds(200, 'Longest delay before a retry of a call.', {
    settings: ['backOff.max of the delegation'],
  }),
  minRequeueInterval: milliseconds(10, 'Shortest delay of a call that a plugin requests.', {
    settings: ['minRequeueInterval of the delegation'],
  }),
};
