import type { ResourceRequirement as RequirementV1 } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { findLabelFault } from '../../resources/labels.ts';
import { quoteText } from '../answer-text.ts';
import type { ResourceRequirement } from '../plugin-call.ts';

const { maxRequirements, maxRequirementNameLength, maxRequirementLabels } = limits.calls;
const { maxNameLength } = limits.resources;

/** Name of a requirement, which the plugin chooses. */
const requirementName = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const kindName = /^[A-Za-z][A-Za-z0-9]*$/;
const apiVersionText = /^([^/\s]+\/)?[^/\s]+$/;
const objectName = /^[^/\s]+$/;

/** Decodes and checks the requirements of an answer. Throws `InvalidResponse`. */
export function decodeRequirements(encoded: Record<string, RequirementV1>): ReadonlyMap<string, ResourceRequirement> {
  const entries = Object.entries(encoded);
  if (entries.length > maxRequirements)
    throw invalid(`it returned ${entries.length} requirements; at most ${maxRequirements} are allowed`);
  return new Map(entries.map(([name, requirement]) => [checkName(name), decodeRequirement(name, requirement)]));
}

function decodeRequirement(
  title: string,
  { apiVersion, kind, namespace, name, labels }: RequirementV1,
): ResourceRequirement {
  const subject = `the requirement ${quoteText(title)}`;
  if (!isText(apiVersion, apiVersionText)) throw invalid(`${subject} has ${quoteText(apiVersion)} as its apiVersion`);
  if (!isText(kind, kindName)) throw invalid(`${subject} has ${quoteText(kind)} as its kind`);
  if (namespace && !isText(namespace, objectName))
    throw invalid(`${subject} has ${quoteText(namespace)} as its namespace`);
  if (name && !isText(name, objectName)) throw invalid(`${subject} has ${quoteText(name)} as its name`);
  const labelCount = Object.keys(labels).length;
  if ((name === '') === (labelCount === 0)) throw invalid(`${subject} must have either a name or labels`);
  if (labelCount > maxRequirementLabels)
    throw invalid(`${subject} has ${labelCount} labels; at most ${maxRequirementLabels} are allowed`);
  const fault = findLabelFault(labels);
  if (fault) throw invalid(`the label ${quoteText(fault.key)} of ${subject} ${fault.message}`);
  return { apiVersion, kind, namespace, name, labels };
}

function checkName(name: string): string {
  if (name.length <= maxRequirementNameLength && requirementName.test(name)) return name;
  const form = `at most ${maxRequirementNameLength} letters, digits, "-", "_" and ".", with a letter or digit at both ends`;
  throw invalid(`the name ${quoteText(name)} of a requirement must be ${form}`);
}

function isText(text: string, syntax: RegExp): boolean {
  return text.length <= maxNameLength && syntax.test(text);
}

function invalid(what: string): KplugError {
  return new KplugError('InvalidResponse', what);
}
