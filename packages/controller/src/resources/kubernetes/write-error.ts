import { KplugError } from '../../errors.ts';
import { describeReference, groupOf, parseKey, type ResourceKey } from '../resource.ts';
import type { ApiError } from './api-error.ts';
import type { ServedKind } from './discovery.ts';
import { missingRule } from './missing-rule.ts';

/** Failed write. */
export interface FailedRequest {
  key: ResourceKey;
  /** Part of the resource, for people. */
  what: string;
  verb: 'patch' | 'get' | 'delete';
  served: ServedKind;
  subresource?: 'status';
}

/** Returns the error for a write that the API server refused or did not receive. */
export function writeError(error: ApiError, { key, what, verb, served, subresource }: FailedRequest): KplugError {
  const reference = parseKey(key);
  const done = { get: 'read', patch: 'written', delete: 'deleted' }[verb];
  const subject = `${what} of ${describeReference(reference)} can't be ${done}`;
  const resource = subresource ? `${served.plural}/${subresource}` : served.plural;
  switch (error.reason) {
    case 'Invalid': {
      return new KplugError('InvalidResponse', `${subject}: ${describeInvalid(error)}`, { cause: error });
    }
    case 'TooLarge': {
      const message = `${subject}: it is too large for the API server: ${error.message}; let the plugin return less`;
      return new KplugError('InvalidResponse', message, { cause: error });
    }
    case 'Denied':
      return new KplugError('StorageFailed', `${subject}: the API server refused it: ${error.message}`, {
        cause: error,
      });
    case 'Forbidden': {
      const group = groupOf(reference.apiVersion);
      const rule = missingRule({ group, resource, verbs: [verb], namespace: reference.namespace || undefined });
      const message = `${subject}: ${rule}; API server: ${error.message}`;
      return new KplugError('StorageFailed', message, { cause: error });
    }
    default: {
      const answer = error.code > 0 ? `the API server returned ${error.code}` : 'the API server is unreachable';
      return new KplugError('StorageFailed', `${subject}: ${answer}: ${error.message}`, { cause: error });
    }
  }
}

/** Describes how content differs from the schema, with the remedy for fields that the schema doesn't declare. */
function describeInvalid({ causes, message }: ApiError): string {
  const undeclared = [...message.matchAll(/\.[^\s:]+: field not declared in schema/g)].map(([found]) => found);
  const details = causes.map((one) => `${one.field} ${one.message}`).join('; ') || message;
  if (undeclared.length === 0) return `it does not match the schema of the kind: ${details}`;
  const advice =
    'declare its fields in the CustomResourceDefinition, or set "x-kubernetes-preserve-unknown-fields: true" for the status';
  return `it does not match the schema of the kind; ${advice}: ${undeclared.join(', ')}`;
}
