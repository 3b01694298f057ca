import { satisfies } from 'semver';
import type { Registration } from '../registry/registration.ts';
import type { ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Makes sure that a plugin is what its declaration says. Throws a `ProbeFailure`. */
export function checkIdentity(found: Registration, expected: ExpectedPlugin): void {
  const { plugin, version, address } = found;
  const who = `the plugin at ${address} says that it is ${plugin} ${version}`;
  if (expected.plugin !== undefined && expected.plugin.toLowerCase() !== plugin.toLowerCase()) {
    const message = `${who}, and not ${expected.plugin} as is declared; correct one of them, or leave the name out of the declaration`;
    throw new ProbeFailure('PluginMismatch', message);
  }
  if (expected.version !== undefined && !isIn(version, expected.version)) {
    throw new ProbeFailure('VersionMismatch', `${who}, and the version ${expected.version} is declared`);
  }
  for (const api of expected.apis) checkApi(found, api, who);
}

function checkApi({ apis }: Registration, expected: ExpectedPlugin['apis'][number], who: string): void {
  const api = apis.find(({ name }) => name === expected.name);
  const implemented = apis.map(({ name, version }) => `${name}@${version.version}`).join(', ');
  if (!api) {
    const message = `${who} and implements ${implemented}, but not ${expected.name} as is declared`;
    throw new ProbeFailure('ApiMismatch', message);
  }
  if (expected.version !== undefined && !isIn(api.version.version, expected.version)) {
    const message = `${who} and implements ${implemented}, but not ${expected.name}@${expected.version} as is declared`;
    throw new ProbeFailure('ApiMismatch', message);
  }
}

function isIn(version: string, range: string): boolean {
  return version === range || satisfies(version, range, { includePrerelease: true });
}
