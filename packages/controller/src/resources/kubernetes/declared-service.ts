import { isJsonObject, jsonObjectsIn } from '../json.ts';
import type { JsonObject, Resource } from '../resource.ts';
import type { DeclarationProblem, DeclaredEndpoint } from '../services/plugin-declarations.ts';
import { hostAndPort } from './host-and-port.ts';

/** Reference to a Service and a port of it, by number or name. Without a port, the Service must have exactly one. */
export interface ServiceReference {
  name: string;
  port?: number | string;
}

/** Endpoints of a Service, and the reason when none of them is ready. */
export type FoundEndpoints = { endpoints: DeclaredEndpoint[]; problem?: DeclarationProblem };

interface ServicePort {
  name: string;
  port: number;
}

/** Finds the endpoints of a Service from its EndpointSlices. */
export function findEndpoints(
  { name, port }: ServiceReference,
  service: Resource | undefined,
  slices: readonly Resource[],
): FoundEndpoints {
  if (!service)
    return none('ServiceNotFound', `there is no Service ${name} in this namespace; create it or correct the name`);
  const { type, externalName, ipFamilies } = service.spec ?? {};
  if (type === 'ExternalName') {
    const message = `the Service ${name} is an alias of ${String(externalName)} and has no endpoints; use "address: ${String(externalName)}:PORT" instead`;
    return none('ServiceHasNoEndpoints', message);
  }
  const ports = portsOf(service);
  const chosen = choosePort(ports, port);
  if (!chosen) return none('PortNotFound', describeMissingPort(name, ports, port));
  const family = Array.isArray(ipFamilies) && ipFamilies[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const ofFamily = slices.filter((slice) => fieldsOf(slice).addressType === family);
  const endpoints = deduplicate(ofFamily.flatMap((slice) => endpointsOf(slice, chosen.name)));
  if (endpoints.some(({ state }) => state === 'ready')) return { endpoints };
  return { endpoints, problem: explainNoneReady(service, ofFamily, endpoints) };
}

/** Explains why no endpoint of a Service is ready. */
function explainNoneReady(
  { metadata: { name }, spec }: Resource,
  slices: readonly Resource[],
  endpoints: readonly DeclaredEndpoint[],
): DeclarationProblem {
  if (endpoints.length > 0) {
    const message = `the Service ${name} has ${endpoints.length} endpoint${endpoints.length > 1 ? 's' : ''}, and none is ready; check its pods`;
    return { reason: 'NoReadyEndpoint', message };
  }
  if (slices.some((slice) => jsonObjectsIn(fieldsOf(slice).endpoints).length > 0)) {
    const message = `the pods of the Service ${name} have no such port; check its targetPort`;
    return { reason: 'PortNotFound', message };
  }
  const selector = isJsonObject(spec?.selector) ? Object.entries(spec.selector) : [];
  const labels = selector.map(([label, value]) => `${label}=${String(value)}`).join(',');
  const cause = labels
    ? `its selector ${labels} matches no pod with an address`
    : 'it has no selector and no EndpointSlice';
  return { reason: 'ServiceSelectsNothing', message: `the Service ${name} has no endpoints: ${cause}` };
}

function choosePort(ports: readonly ServicePort[], wanted: number | string | undefined): ServicePort | undefined {
  if (wanted === undefined) return ports.length === 1 ? ports[0] : undefined;
  return ports.find(({ name, port }) => name === wanted || String(port) === String(wanted));
}

function describeMissingPort(service: string, ports: readonly ServicePort[], wanted: number | string | undefined) {
  const present = ports.map(({ name, port }) => (name ? `${port} (${name})` : `${port}`)).join(', ') || 'none';
  const what =
    wanted === undefined
      ? `has several ports, and the reference names none; use one of ${present}`
      : `has no port ${wanted}; use a port of the Service, not of its pods: ${present}`;
  return `the Service ${service} ${what}`;
}

function portsOf({ spec }: Resource): ServicePort[] {
  return jsonObjectsIn(spec?.ports).map(({ name, port }) => ({
    name: typeof name === 'string' ? name : '',
    port: Number(port),
  }));
}

function endpointsOf(slice: Resource, portName: string): DeclaredEndpoint[] {
  const { endpoints, ports } = fieldsOf(slice);
  const port = jsonObjectsIn(ports).find(({ name }) => (name ?? '') === portName)?.port;
  if (typeof port !== 'number') return [];
  return jsonObjectsIn(endpoints).flatMap((endpoint) => {
    const [host] = Array.isArray(endpoint.addresses) ? endpoint.addresses : [];
    if (typeof host !== 'string') return [];
    const pod = podOf(endpoint);
    return [{ address: hostAndPort(host, port), state: stateOf(endpoint), ...(pod && { pod }) }];
  });
}

/** Returns the state of an endpoint. A missing condition is true, except for `terminating`. */
function stateOf({ conditions }: JsonObject): DeclaredEndpoint['state'] {
  const { ready, terminating } = isJsonObject(conditions) ? conditions : {};
  if (terminating === true) return 'terminating';
  return ready === false ? 'unready' : 'ready';
}

/** Removes duplicates: an endpoint that moves between slices may be in both for a moment. */
function deduplicate(endpoints: readonly DeclaredEndpoint[]): DeclaredEndpoint[] {
  const byAddress = new Map<string, DeclaredEndpoint>();
  for (const endpoint of endpoints) {
    if (byAddress.get(endpoint.address)?.state !== 'ready') byAddress.set(endpoint.address, endpoint);
  }
  return [...byAddress.values()];
}

function podOf({ targetRef }: JsonObject): DeclaredEndpoint['pod'] {
  const { kind, namespace, name } = isJsonObject(targetRef) ? targetRef : {};
  return kind === 'Pod' && typeof namespace === 'string' && typeof name === 'string' ? { namespace, name } : undefined;
}

/** Returns all fields of a resource, whose kind has other ones than `spec` and `status`. */
function fieldsOf(resource: Resource): JsonObject {
  return { ...resource } as unknown as JsonObject;
}

function none(reason: string, message: string): FoundEndpoints {
  return { endpoints: [], problem: { reason, message } };
}
