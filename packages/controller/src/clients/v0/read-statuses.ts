import { formatJson, readYamlInSteps, type v0 } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { finishInSlices } from '../../queue/slices.ts';
import type { JsonObject, ResourceKey } from '../../resources/resource.ts';
import { quoteText } from '../answer-text.ts';
import { checkStatus } from '../check-status.ts';
import type { PluginAnswer, PluginCall, StatusChange } from '../plugin-call.ts';

const { maxV0AnswerLength: maxAnswerLength, maxV0Tokens, maxStatusDepth } = limits.calls;
const { maxAliases, maxAliasedValues } = limits.resources;

/** Bounds of a status, which are checked before anything walks its values. */
const bounds = { maxTokens: maxV0Tokens, maxDepth: maxStatusDepth, maxAliases, maxAliasedValues };

/** Reads and checks the statuses that a plugin returned. Rejects with `InvalidResponse`. */
export async function readStatuses(
  { base, references }: v0.Resources,
  call: PluginCall,
): Promise<Pick<PluginAnswer, 'baseStatus' | 'extensionStatuses'>> {
  const entries = Object.entries(references);
  const size = entries.reduce((sum, [, { yaml }]) => sum + yaml.length, base?.yaml.length ?? 0);
  if (size > maxAnswerLength)
    throw invalid(`it returned ${size} characters of YAML; at most ${maxAnswerLength} are allowed`);
  const extensionStatuses = new Map<ResourceKey, StatusChange>();
  for (const [key, { yaml }] of entries) {
    if (!call.extensions.has(key)) {
      throw invalid(`it returned a status for ${quoteText(key)}, which isn't an extension of this resource`);
    }
    const change = await readChange(yaml, `the status of ${key}`, call);
    if (change) extensionStatuses.set(key, change);
  }
  return { baseStatus: await readChange(base?.yaml ?? '', "the base's status", call), extensionStatuses };
}

/** Reads a status; `undefined` for an empty mapping or empty text, which changes nothing. */
async function readChange(
  yaml: string,
  what: string,
  { maxStatusSize }: PluginCall,
): Promise<StatusChange | undefined> {
  checkSize(yaml, what, maxStatusSize);
  const { value, fault, hasAliases } = await finishInSlices(readYamlInSteps(yaml, bounds));
  if (fault) throw invalid(`${what} isn't valid YAML: ${fault.message}`);
  if (value === null) return undefined;
  const fields: JsonObject = checkStatus(value, what, 'a YAML mapping');
  if (hasAliases) checkSize(formatJson(fields), `${what}, with its aliases expanded,`, maxStatusSize);
  return Object.keys(fields).length > 0 ? { fields, way: 'merge' } : undefined;
}

function checkSize(text: string, what: string, maxSize: number): void {
  const size = Buffer.byteLength(text);
  if (size > maxSize)
    throw invalid(
      `${what} has ${size.toLocaleString('en')} bytes; at most ${maxSize.toLocaleString('en')} are allowed`,
    );
}

function invalid(what: string): KplugError {
  return new KplugError('InvalidResponse', what);
}
