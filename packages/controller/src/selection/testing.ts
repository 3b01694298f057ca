import { SemVer } from 'semver';
import type { Candidate } from './candidate.ts';

/** A candidate in which only what matters need be said; it is live unless it says otherwise. */
export function candidateOf(
  plugin: string,
  given: {
    version?: string;
    api?: string;
    capabilities?: Record<string, string>;
    weight?: number;
    state?: string;
    /** Whether its instance serves the API. */
    serving?: boolean;
  } = {},
): Candidate {
  const { version = '1.0.0', api = '1.0.0', capabilities = {}, weight = 100, state = 'live', serving = true } = given;
  const instance = { state, stateReason: state === 'live' ? '' : 'as the test says' };
  return {
    plugin,
    version,
    semver: new SemVer(version),
    api: { version: new SemVer(api), capabilities },
    callable: state === 'live' && serving ? [instance] : [],
    instances: [instance],
    weight,
  };
}
