import { toJson } from '@bufbuild/protobuf';
import {
  type ExplainResourceResponse,
  ExplainResourceResponseSchema,
  type ListHostedResponse,
  ListHostedResponseSchema,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
  type ListRefusalsResponse,
  ListRefusalsResponseSchema,
} from '@kplug/protocol';
import { formatDocument } from './document.ts';

/** Formats plugin instances in the JSON of the protocol, with hosted plugins in the field `hosted`. */
export function formatPluginList(
  response: ListPluginsResponse,
  hosted: ListHostedResponse | undefined,
  format: 'yaml' | 'json',
): string {
  const list = toJson(ListPluginsResponseSchema, response) as object;
  const own = hosted?.directory ? { hosted: toJson(ListHostedResponseSchema, hosted) } : {};
  return formatDocument({ ...list, ...own }, format);
}

/** Formats refused registrations in the JSON of the protocol. */
export function formatRefusals(response: ListRefusalsResponse, format: 'yaml' | 'json'): string {
  return formatDocument(toJson(ListRefusalsResponseSchema, response), format);
}

/** Formats an explanation in the JSON of the protocol. */
export function formatExplainedResource(response: ExplainResourceResponse, format: 'yaml' | 'json'): string {
  return formatDocument(toJson(ExplainResourceResponseSchema, response), format);
}
