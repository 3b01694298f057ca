import { characters, count, milliseconds, seconds } from './limit.ts';

/** Limits of the states and causes of resources, and of their diagnosis. */
export const states = {
  maxCauses: count(
    50,
    'Maximum number of causes of a delegation that are told apart by their messages; more are told apart by their reasons.',
  ),
  maxReasons: count(
    50,
    'Maximum number of causes of a delegation that are told apart by their reasons only; more count by their states.',
  ),
  maxCauseLength: characters(512, 'Length of the part of a message by which causes are told apart.'),
  maxNamespaces: count(1_000, 'Maximum number of namespaces in a summary.'),
  summaryInterval: milliseconds(1 * seconds, 'Shortest interval between the summaries of a watch.'),
  summaryCheckInterval: milliseconds(250, 'Interval at which it is checked whether a summary has changed.'),
  maxSummaryWatches: count(256, 'Maximum number of open watches of summaries.'),
  maxSummaryWatchesPerPeer: count(64, 'Maximum number of open watches of summaries of one host.'),
  searchLimit: count(100, 'Number of resources that a search returns, unless the request sets another one.'),
  maxSearchLimit: count(1_000, 'Maximum number of resources that a search returns.'),
  maxSearchLength: characters(256, 'Maximum length of the text of a search.'),
  maxTraceDepth: count(8, 'Largest depth of delegated resources that are related to each other in a trace.'),
  maxTraceNodes: count(2_000, 'Maximum number of resources and plugins in a trace.'),
  maxSentenceLength: characters(1_024, 'Length at which a sentence of a diagnosis is cut.'),
  maxDetails: count(50, 'Maximum number of details of a diagnosis.'),
  maxAdvisedRefusals: count(3, 'Maximum number of refused plugins that a diagnosis names.'),
};
