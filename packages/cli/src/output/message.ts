import { toJson } from '@bufbuild/protobuf';
import {
  type ExplainResourceResponse,
  ExplainResourceResponseSchema,
  type ListHostedResponse,
  ListHostedResponseSchema,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
} from '@kplug/protocol';
import { formatDocument } from './document.ts';

/** Plugin instances as the protocol writes them in JSON; with what the operator runs itself, under `hosted`, if it does. */
export function formatPluginList(
  response: ListPluginsResponse,
  hosted: ListHostedResponse | undefined,
  format: 'yaml' | 'json',
): string {
  const list = toJson(ListPluginsResponseSchema, response) as object;
  const own = hosted?.directory ? { hosted: toJson(ListHostedResponseSchema, hosted) } : {};
  return formatDocument({ ...list, ...own }, format);
}

/** An explanation as the protocol writes it in JSON. */
export function formatExplainedResource(response: ExplainResourceResponse, format: 'yaml' | 'json'): string {
  return formatDocument(toJson(ExplainResourceResponseSchema, response), format);
}
