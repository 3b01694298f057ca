import { toJson } from '@bufbuild/protobuf';
import {
  type ExplainResourceResponse,
  ExplainResourceResponseSchema,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
} from '@kplug/protocol';
import { formatDocument } from './document.ts';

/** Plugin instances as the protocol writes them in JSON. */
export function formatPluginList(response: ListPluginsResponse, format: 'yaml' | 'json'): string {
  return formatDocument(toJson(ListPluginsResponseSchema, response), format);
}

/** An explanation as the protocol writes it in JSON. */
export function formatExplainedResource(response: ExplainResourceResponse, format: 'yaml' | 'json'): string {
  return formatDocument(toJson(ExplainResourceResponseSchema, response), format);
}
