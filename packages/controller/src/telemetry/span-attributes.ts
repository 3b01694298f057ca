import type { Attributes } from '@opentelemetry/api';
import { parseKey, type Resource } from '../resources/resource.ts';
import type { CallSubject, StepSubject, WriteSubject } from './pass-steps.ts';

/** Pass, before it is made. */
export interface PassSubject {
  delegation: string;
  base: Resource;
  /** Consecutive failures before the pass, plus one. */
  attempt: number;
  /** Time in the queue, in milliseconds. */
  waited: number;
}

/** Attributes of the span of a pass. Those of Kplug have the prefix `kplug.`; the others are semantic conventions of OpenTelemetry. */
export function passAttributes({ delegation, base, attempt, waited }: PassSubject): Attributes {
  const { apiVersion, kind, metadata } = base;
  return {
    'kplug.delegation': delegation,
    'kplug.resource.api_version': apiVersion,
    'kplug.resource.kind': kind,
    'kplug.resource.name': metadata.name,
    'kplug.resource.uid': metadata.uid,
    'kplug.resource.generation': metadata.generation,
    'kplug.pass.attempt': attempt,
    'kplug.pass.waited': waited / 1_000,
    ...(metadata.namespace && { 'kplug.resource.namespace': metadata.namespace }),
  };
}

/** Name of the span of a step. */
export function stepName(subject: StepSubject): string {
  switch (subject.kind) {
    case 'call':
      return rpcMethodOf(subject) ?? subject.method;
    case 'write':
      return `${subject.verb} ${parseKey(subject.target).kind}`;
    default:
      return subject.kind;
  }
}

/** Attributes of the span of a step, besides its outcome. */
export function stepAttributes(subject: StepSubject): Attributes {
  switch (subject.kind) {
    case 'call':
      return callAttributes(subject);
    case 'write':
      return writeAttributes(subject);
    default:
      return { 'kplug.step': subject.kind };
  }
}

/** Attribute that has the outcome of a step. */
export const outcomeAttribute = {
  gather: 'kplug.extensions',
  select: 'kplug.plugins',
  call: 'rpc.response.status_code',
  write: 'kplug.write.result',
} as const satisfies Record<StepSubject['kind'], string>;

function callAttributes(subject: CallSubject): Attributes {
  const { plugin, version, instance, address, protocol } = subject;
  const rpcMethod = rpcMethodOf(subject);
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  return {
    'kplug.step': 'call',
    'kplug.plugin.name': plugin,
    'kplug.plugin.version': version,
    'kplug.plugin.instance': instance,
    'kplug.protocol': protocol,
    'rpc.system.name': 'grpc',
    ...(rpcMethod && { 'rpc.method': rpcMethod }),
    'server.address': colon > 0 ? address.slice(0, colon) : address,
    ...(colon > 0 && Number.isInteger(port) && { 'server.port': port }),
  };
}

/** Name of the RPC; `undefined` in the first Kplug's protocol, whose methods the client chooses. */
function rpcMethodOf({ protocol, method }: CallSubject): string | undefined {
  return protocol === 'kplug.v1' ? `kplug.v1.PluginService/${method}` : undefined;
}

function writeAttributes({ verb, target, fieldManager }: WriteSubject): Attributes {
  const { apiVersion, kind, namespace, name } = parseKey(target);
  return {
    'kplug.step': 'write',
    'kplug.write.verb': verb,
    'kplug.write.field_manager': fieldManager,
    'kplug.resource.api_version': apiVersion,
    'kplug.resource.kind': kind,
    'kplug.resource.name': name,
    ...(namespace && { 'kplug.resource.namespace': namespace }),
  };
}
