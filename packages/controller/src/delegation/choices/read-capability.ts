import { limits } from '../../limits/limits.ts';
import { cutText } from '../../resources/cut-text.ts';
import { isJsonObject } from '../../resources/json.ts';
import type { Resource } from '../../resources/resource.ts';
import type { ResolvedCapability, WantedCapability } from '../../selection/capability.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { readField } from '../field-path.ts';

const { maxNameLength } = limits.registrations;
const { maxPatternLength } = limits.selection;

/** Returns the capability that a resource asks for, `undefined` if the delegation has none, or a message if it is invalid. */
export function readWantedCapability(
  base: Resource,
  { capabilityPaths: paths }: Pick<DelegationSettings, 'capabilityPaths'>,
): WantedCapability | undefined | string {
  if (!paths) return undefined;
  const category = readName(base, paths.category, 'database');
  if ('fault' in category) return category.fault;
  const type = readName(base, paths.type, 'postgresql');
  if ('fault' in type) return type.fault;
  const version = textOf(readField(base, paths.version));
  if (version === undefined || version.length > maxPatternLength) {
    return `.${paths.version.join('.')} must be a version such as 17, or a range such as ">=14 <17"`;
  }
  return { category: category.name, type: type.name, version: version === 'latest' ? '' : version };
}

function readName(base: Resource, path: readonly string[], example: string): { name: string } | { fault: string } {
  const name = readField(base, path);
  const field = `.${path.join('.')}`;
  if (typeof name !== 'string' || name === '') return { fault: `${field} must be a text such as ${example}` };
  if (name.length <= maxNameLength) return { name };
  return { fault: `${field} has ${name.length} characters; at most ${maxNameLength} are allowed` };
}

/** Returns the capability of the last successful call for a resource, by its status. */
export function readHeldCapability({ status }: Resource): ResolvedCapability | undefined {
  const { category, type, version } = isJsonObject(status?.capability) ? status.capability : {};
  const isText = (value: unknown): value is string => typeof value === 'string';
  return isText(category) && isText(type) && isText(version) ? { category, type, version } : undefined;
}

/** Returns a version as a text, as YAML has `17` as a number. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'bigint' ? cutText(String(value), maxPatternLength) : undefined;
}
