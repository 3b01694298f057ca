import { narrowIntegers, type v0 } from '@kplug/protocol';
import { parseDocument } from 'yaml';
import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { documentOptions, findDocumentFault, maxAliases } from '../../resources/check-document.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import { quoteText } from '../answer-text.ts';
import { checkStatus } from '../check-status.ts';
import type { PluginAnswer, PluginCall, StatusChange } from '../plugin-call.ts';
import { findYamlExcess } from './yaml-bounds.ts';

/**
 * Largest response, in characters of YAML. Parsing takes a hundred times the memory of the text and, for malicious text, blocks
 * for seconds per MiB.
 */
const maxAnswerLength = limits.calls.maxV0AnswerLength;

/** Reads and checks the statuses that a plugin returned. Throws `InvalidResponse`. */
export function readStatuses(
  { base, references }: v0.Resources,
  call: PluginCall,
): Pick<PluginAnswer, 'baseStatus' | 'extensionStatuses'> {
  const entries = Object.entries(references);
  const size = entries.reduce((sum, [, { yaml }]) => sum + yaml.length, base?.yaml.length ?? 0);
  if (size > maxAnswerLength)
    throw invalid(`it returned ${size} characters of YAML; at most ${maxAnswerLength} are allowed`);
  const extensionStatuses = new Map<ResourceKey, StatusChange>();
  for (const [key, { yaml }] of entries) {
    if (!call.extensions.has(key)) {
      throw invalid(`it returned a status for ${quoteText(key)}, which isn't an extension of this resource`);
    }
    const change = readChange(yaml, `the status of ${key}`, call);
    if (change) extensionStatuses.set(key, change);
  }
  return { baseStatus: readChange(base?.yaml ?? '', "the base's status", call), extensionStatuses };
}

/** Reads a status; `undefined` for an empty mapping or empty text, which changes nothing. */
function readChange(yaml: string, what: string, { maxStatusSize }: PluginCall): StatusChange | undefined {
  const excess = findYamlExcess(yaml, maxStatusSize);
  if (excess) throw invalid(`${what} ${excess}`);
  const value = parse(yaml, what);
  if (value === null || value === undefined) return undefined;
  const fields = checkStatus(value, what, 'a YAML mapping');
  return Object.keys(fields).length > 0 ? { fields, way: 'merge' } : undefined;
}

function parse(yaml: string, what: string): unknown {
  let fault: string;
  try {
    const document = parseDocument(yaml, { ...documentOptions, intAsBigInt: true });
    const found = findDocumentFault(document);
    if (!found) return narrowIntegers(document.toJS({ maxAliasCount: maxAliases }));
    fault = found.message;
  } catch (error) {
    // An alias without an anchor, aliases that expand too much, or nesting that is too deep.
    fault = messageOf(error);
  }
  throw invalid(`${what} isn't valid YAML: ${fault}`);
}

function invalid(what: string): KplugError {
  return new KplugError('InvalidResponse', what);
}
