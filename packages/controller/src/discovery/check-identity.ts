import { satisfies } from 'semver';
import { limits } from '../limits/limits.ts';
import { PluginName } from '../names.ts';
import type { Registration } from '../registry/registration.ts';
import { cutText } from '../resources/cut-text.ts';
import type { ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { ProbeFailure } from './probe-failure.ts';

const { maxPatternLength } = limits.selection;

/** Checks that a plugin is the declared one. Throws a `ProbeFailure`. */
export function checkIdentity(registration: Registration, expected: ExpectedPlugin): void {
  const { plugin, version, address } = registration;
  const found = `the plugin at ${address} is ${plugin} ${version}`;
  if (expected.plugin !== undefined && !new PluginName(expected.plugin).equals(new PluginName(plugin))) {
    const message = `${found}, but ${expected.plugin} is declared; correct one of them, or remove the name from the declaration`;
    throw new ProbeFailure('PluginMismatch', message);
  }
  if (expected.version !== undefined && !isIn(version, expected.version)) {
    throw new ProbeFailure('VersionMismatch', `${found}, but the version ${cut(expected.version)} is declared`);
  }
  for (const api of expected.apis) checkApi(registration, api, found);
}

function checkApi({ apis }: Registration, expected: ExpectedPlugin['apis'][number], found: string): void {
  const api = apis.find(({ name }) => name === expected.name);
  const implemented = apis.map(({ name, version }) => `${name}@${version.version}`).join(', ');
  if (!api) {
    const message = `${found} and implements ${implemented}, but ${cut(expected.name)} is declared`;
    throw new ProbeFailure('ApiMismatch', message);
  }
  if (expected.version !== undefined && !isIn(api.version.version, expected.version)) {
    const message = `${found} and implements ${implemented}, but ${cut(`${expected.name}@${expected.version}`)} is declared`;
    throw new ProbeFailure('ApiMismatch', message);
  }
}

function isIn(version: string, range: string): boolean {
  if (range.length > maxPatternLength) return false;
  return version === range || satisfies(version, range, { includePrerelease: true });
}

function cut(text: string): string {
  return cutText(text, maxPatternLength);
}
