import { isJsonObject } from '../json.ts';
import type { DeclarationProblem, DeclaredEndpoint } from '../plugin-declarations.ts';
import type { JsonObject, JsonValue, Resource } from '../resource.ts';
import { hostAndPort } from './host-and-port.ts';

/** A Service and a port of it, by number or by name; without one, its only port is meant. */
export interface ServiceReference {
  name: string;
  port?: number | string;
}

/** Where the instances behind a Service are, or why that isn't known. */
export type FoundEndpoints = { endpoints: DeclaredEndpoint[]; problem?: DeclarationProblem };

interface ServicePort {
  name: string;
  port: number;
}

/** Finds the endpoints of a Service by its EndpointSlices. */
export function findEndpoints(
  { name, port }: ServiceReference,
  service: Resource | undefined,
  slices: readonly Resource[],
): FoundEndpoints {
  if (!service) return none('ServiceNotFound', `there is no Service ${name} here; make it, or correct the name`);
  const { type, externalName, ipFamilies } = service.spec ?? {};
  if (type === 'ExternalName') {
    const message = `the Service ${name} stands for the name ${String(externalName)} and has no endpoints; write "address: ${String(externalName)}:PORT" in place of it`;
    return none('ServiceHasNoEndpoints', message);
  }
  const ports = portsOf(service);
  const wanted = choosePort(ports, port);
  if (!wanted) return none('PortNotFound', describeMissingPort(name, ports, port));
  const family = Array.isArray(ipFamilies) && ipFamilies[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const ofFamily = slices.filter((slice) => fieldsOf(slice).addressType === family);
  const endpoints = eachOnce(ofFamily.flatMap((slice) => endpointsOf(slice, wanted.name)));
  if (endpoints.some(({ state }) => state === 'ready')) return { endpoints };
  return { endpoints, problem: describeNone(service, ofFamily, endpoints) };
}

/** Why no endpoint of a Service can be asked. */
function describeNone(
  { metadata: { name }, spec }: Resource,
  slices: readonly Resource[],
  endpoints: readonly DeclaredEndpoint[],
): DeclarationProblem {
  if (endpoints.length > 0) {
    const message = `the Service ${name} has ${endpoints.length} endpoint${endpoints.length > 1 ? 's' : ''}, and none is ready; look at its pods`;
    return { reason: 'NoReadyEndpoint', message };
  }
  if (slices.some((slice) => objectsIn(fieldsOf(slice).endpoints).length > 0)) {
    const message = `the pods of the Service ${name} have no such port; look at its targetPort`;
    return { reason: 'PortNotFound', message };
  }
  const selector = isJsonObject(spec?.selector) ? Object.entries(spec.selector) : [];
  const labels = selector.map(([label, value]) => `${label}=${String(value)}`).join(',');
  const why = labels
    ? `its selector ${labels} matches no pod that has an address`
    : 'it has no selector, and nobody has written an EndpointSlice for it';
  return { reason: 'ServiceSelectsNothing', message: `the Service ${name} has no endpoints: ${why}` };
}

function choosePort(ports: readonly ServicePort[], wanted: number | string | undefined): ServicePort | undefined {
  if (wanted === undefined) return ports.length === 1 ? ports[0] : undefined;
  return ports.find(({ name, port }) => name === wanted || String(port) === String(wanted));
}

function describeMissingPort(service: string, ports: readonly ServicePort[], wanted: number | string | undefined) {
  const present = ports.map(({ name, port }) => (name ? `${port} (${name})` : `${port}`)).join(', ') || 'none';
  const what =
    wanted === undefined
      ? 'has several ports, and none is chosen'
      : `has no port ${wanted}; a port of the Service is meant, not of its pods`;
  return `the Service ${service} ${what}: write one of ${present}`;
}

function portsOf({ spec }: Resource): ServicePort[] {
  return objectsIn(spec?.ports).map(({ name, port }) => ({
    name: typeof name === 'string' ? name : '',
    port: Number(port),
  }));
}

function endpointsOf(slice: Resource, portName: string): DeclaredEndpoint[] {
  const { endpoints, ports } = fieldsOf(slice);
  const port = objectsIn(ports).find(({ name }) => (name ?? '') === portName)?.port;
  if (typeof port !== 'number') return [];
  return objectsIn(endpoints).flatMap((endpoint) => {
    const [host] = Array.isArray(endpoint.addresses) ? endpoint.addresses : [];
    if (typeof host !== 'string') return [];
    const pod = podOf(endpoint);
    return [{ address: hostAndPort(host, port), state: stateOf(endpoint), ...(pod && { pod }) }];
  });
}

/** A condition that isn't given holds, but for `terminating`. */
function stateOf({ conditions }: JsonObject): DeclaredEndpoint['state'] {
  const { ready, terminating } = isJsonObject(conditions) ? conditions : {};
  if (terminating === true) return 'terminating';
  return ready === false ? 'unready' : 'ready';
}

/** One that is moved from one slice to another may be in both for a moment. */
function eachOnce(endpoints: readonly DeclaredEndpoint[]): DeclaredEndpoint[] {
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

/** All fields of a resource, which isn't one of `spec` and `status` only. */
function fieldsOf(resource: Resource): JsonObject {
  return { ...resource } as unknown as JsonObject;
}

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function none(reason: string, message: string): FoundEndpoints {
  return { endpoints: [], problem: { reason, message } };
}
