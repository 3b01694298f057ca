import type { v0 } from '@kplug/protocol';
import { parseDocument } from 'yaml';
import { KplugError, messageOf } from '../../errors.ts';
import { documentOptions, findDocumentFault, maxAliases } from '../../resources/check-document.ts';
import { findJsonFault, formatPath } from '../../resources/json.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import { checkStatus } from '../check-status.ts';
import type { PluginAnswer, PluginCall, StatusChange } from '../plugin-call.ts';

/**
 * How much YAML an answer may have, in characters. Parsing takes a hundred times the memory of the text and, where the text
 * is made for it, a few seconds for each MiB, in which nothing else is done.
 */
const largestAnswer = 256 * 1024;

/** Reads and checks the changes of statuses that a plugin returned. Throws `InvalidResponse`, before any of them is used. */
export function readStatuses(
  { base, references }: v0.Resources,
  call: PluginCall,
): Pick<PluginAnswer, 'baseStatus' | 'extensionStatuses'> {
  const entries = Object.entries(references);
  const size = entries.reduce((sum, [, { yaml }]) => sum + yaml.length, base?.yaml.length ?? 0);
  if (size > largestAnswer)
    throw invalid(`it returned ${size} characters of YAML; at most ${largestAnswer} are allowed`);
  const extensionStatuses = new Map<ResourceKey, StatusChange>();
  for (const [key, { yaml }] of entries) {
    if (!call.extensions.has(key)) {
      throw invalid(`it returned a status for "${key}", which isn't an extension of this resource`);
    }
    const change = readChange(yaml, `the status of ${key}`);
    if (change) extensionStatuses.set(key, change);
  }
  return { baseStatus: readChange(base?.yaml ?? '', "the base's status"), extensionStatuses };
}

/** `undefined` for what changes nothing: an empty mapping, or no text. */
function readChange(yaml: string, what: string): StatusChange | undefined {
  const value = parse(yaml, what);
  if (value === null || value === undefined) return undefined;
  const fields = checkStatus(value, what, 'a YAML mapping');
  const fault = findJsonFault(fields);
  if (fault) throw invalid(`${what} can't be kept: ${formatPath(fault.path) || 'it'} ${fault.message}`);
  return Object.keys(fields).length > 0 ? { fields, way: 'merge' } : undefined;
}

function parse(yaml: string, what: string): unknown {
  let fault: string;
  try {
    const document = parseDocument(yaml, documentOptions);
    const found = findDocumentFault(document);
    if (!found) return document.toJS({ maxAliasCount: maxAliases });
    fault = found.message;
  } catch (error) {
    // An alias without an anchor, aliases that would expand without end, or nesting that is too deep to follow.
    fault = messageOf(error);
  }
  throw invalid(`${what} isn't sound YAML: ${fault}`);
}

function invalid(what: string): KplugError {
  return new KplugError('InvalidResponse', what);
}
