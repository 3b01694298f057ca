import { formatJson } from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';
import type { ReviewedToken, TokenReviewer } from '../services/token-reviewer.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import type { Transport } from './transport.ts';

const { reviewTimeout } = limits.authentication;
const group = 'authentication.k8s.io';
const podName = 'authentication.kubernetes.io/pod-name';
const podUid = 'authentication.kubernetes.io/pod-uid';

/** Reviews tokens by TokenReviews of the API server. */
export class TokenReview implements TokenReviewer {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async review(token: string, audience?: string): Promise<ReviewedToken> {
    const signal = AbortSignal.timeout(reviewTimeout);
    const spec = { token, ...(audience !== undefined && { audiences: [audience] }) };
    try {
      const { status } = await this.#transport.request({
        method: 'POST',
        path: `/apis/${group}/v1/tokenreviews`,
        verb: 'create',
        resource: 'tokenreviews',
        signal,
        // It stores nothing, and replicas that don't lead authenticate, too.
        isUnfenced: true,
        body: formatJson({ apiVersion: `${group}/v1`, kind: 'TokenReview', spec }),
      });
      if (!isJsonObject(status)) throw new ApiError('Failed', 'the response has no status');
      return readStatus(status, token);
    } catch (cause) {
      if (signal.aborted) throw failed(`there was no response within ${reviewTimeout / 1_000} s`, cause);
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.reason !== 'Forbidden') throw failed(messageOf(cause), cause);
      throw failed(missingRule({ group, resource: 'tokenreviews', verbs: ['create'], namespace: undefined }), cause);
    }
  }
}

function failed(reason: string, cause: unknown): KplugError {
  return new KplugError('StorageFailed', `The API server can't review tokens: ${reason}`, { cause });
}

function readStatus({ authenticated, user, audiences, error }: JsonObject, token: string): ReviewedToken {
  if (authenticated !== true || !isJsonObject(user) || typeof user.username !== 'string') {
    // An authentication webhook writes this text, and may quote the token.
    return { authenticated: false, reason: typeof error === 'string' ? error.replaceAll(token, '…') : '' };
  }
  const { username, uid: userId, groups, extra } = user;
  const name = firstOf(extra, podName);
  const uid = firstOf(extra, podUid);
  return {
    authenticated: true,
    user: username,
    audiences: textsOf(audiences),
    ...(typeof userId === 'string' && userId !== '' && { uid: userId }),
    ...(Array.isArray(groups) && { groups: textsOf(groups) }),
    ...(isJsonObject(extra) && { extra: mapValues(extra, textsOf) }),
    ...(name !== undefined && uid !== undefined && { pod: { name, uid } }),
  };
}

function mapValues<T>(object: JsonObject, read: (value: JsonValue | undefined) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, read(value)]));
}

function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Returns the value of an extra field, which is a list. */
function firstOf(extra: JsonValue | undefined, key: string): string | undefined {
  const values = isJsonObject(extra) ? extra[key] : undefined;
  const [value] = Array.isArray(values) ? values : [];
  return typeof value === 'string' ? value : undefined;
}
