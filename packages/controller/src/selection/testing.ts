import { SemVer } from 'semver';
import { PluginName } from '../names.ts';
import type { Candidate } from './candidate.ts';
import type { CapabilityOffer } from './capability.ts';

/** Makes a candidate with defaults for all that the test doesn't specify; live by default. */
export function candidateOf(
  plugin: string,
  given: {
    version?: string;
    api?: string;
    capabilities?: Record<string, string>;
    provides?: readonly CapabilityOffer[];
    weight?: number;
    owner?: string;
    state?: string;
    /** True if its instance serves the API, the default. */
    serving?: boolean;
  } = {},
): Candidate {
  const { version = '1.0.0', api = '1.0.0', capabilities = {}, weight = 100, state = 'live', serving = true } = given;
  const { owner = 'local', provides = [] } = given;
  const instance = { state, stateReason: state === 'live' ? '' : 'as the test says' };
  const isCallable = state === 'live' && serving;
  return {
    plugin: new PluginName(plugin),
    version,
    semver: new SemVer(version),
    api: { version: new SemVer(api), capabilities, provides },
    callable: isCallable ? [instance] : [],
    unavailability: isCallable ? undefined : unavailabilities[state],
    unreachable: state === 'suspect' ? [instance] : [],
    weight,
    owners: [owner],
  };
}

/** Reason why an instance in a state, which doesn't serve the API if it is live, isn't callable. */
const unavailabilities: Record<string, Candidate['unavailability']> = {
  live: 'NotServing',
  suspect: 'Unreachable',
  draining: 'Draining',
};
