import type {
  DelegatedResource,
  Delegation,
  GetSecurityResponse,
  ListHostedResponse,
  PluginInstance,
  RefusedPlugin,
} from '@kplug/protocol';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorPlace } from '../operator/operator-place.ts';
import { type Answer, answerOf } from './answer.ts';
import { fetchPage, type Page } from './page.ts';

/** State of an operator, from its admin port. */
export interface OperatorView {
  place: OperatorPlace;
  delegations: Answer<readonly Delegation[]>;
  resources: Answer<readonly DelegatedResource[]>;
  instances: Answer<readonly PluginInstance[]>;
  /** `undefined` for an operator without that service. */
  hosted: Answer<ListHostedResponse | undefined>;
  /** Registrations that were refused recently; `undefined` for an operator without that service. */
  refusals: Answer<readonly RefusedPlugin[] | undefined>;
  /** `undefined` for an operator without that service. */
  security: Answer<GetSecurityResponse | undefined>;
  readiness: Answer<Page>;
  metrics: Answer<Page>;
}

/** Reads the state of an operator by concurrent requests. */
export async function readOperatorView(place: OperatorPlace): Promise<OperatorView> {
  const client = new AdminClient(place);
  const [delegations, resources, instances, hosted, refusals, security, readiness, metrics] = await Promise.all([
    answerOf(client.listDelegations()),
    answerOf(client.listResources()),
    answerOf(client.listPlugins().then((list) => list.instances)),
    answerOf(client.listHosted()),
    answerOf(client.listRefusals().then((list) => list?.refusals)),
    answerOf(client.getSecurity()),
    answerOf(fetchPage(`${place.url}/readyz`, place.connection)),
    answerOf(fetchPage(`${place.url}/metrics`, place.connection)),
  ]);
  return { place, delegations, resources, instances, hosted, refusals, security, readiness, metrics };
}

/** Returns the label of an info metric, such as a version. */
export function labelIn(metrics: string, metric: string, label: string): string | undefined {
  return new RegExp(`^${metric}\\{[^}\\n]*\\b${label}="([^"\\n]*)"`, 'm').exec(metrics)?.[1];
}
