import * as grpc from '@grpc/grpc-js';
import { isServiceError, Outcome, Severity } from '@kplug/protocol';

const decoder = new TextDecoder('utf-8', { fatal: true });
/** An answer, or the error in place of one, for people. */
export function describeAnswer(answer) {
  if (typeof answer === 'string') return answer;
  if (isServiceError(answer)) return `${grpc.status[answer.code] ?? answer.code}: ${answer.details}`;
  if (answer instanceof Error) return answer.message;
  const { outcome, messages } = answer;
  const name = nameOf(outcome);
  const grave = messages.find(({ severity }) => severity === Severity.ERROR) ?? messages[0];
  return grave ? `${name} (${grave.reason}: ${grave.text})` : name;
}
/** An outcome's name; its number where it has none. */
export function nameOf(outcome) {
  return Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}
/** What an answer says that resources are, as a value that can be compared: statuses, and conditions by type. */
export function stateOf({ baseStatus, extensionStatuses, conditions }) {
  const statuses = Object.entries(extensionStatuses).map(([key, status]) => [key, readStatus(status)]);
  return {
    base: baseStatus && readStatus(baseStatus),
    extensions: Object.fromEntries(statuses),
    conditions: Object.fromEntries(
      conditions.map(({ type, status, reason, message }) => [type, { status, reason, message }]),
    ),
  };
}
/** A status as JSON; where it isn't any, its text, so that it can be compared and shown all the same. */
export function readStatus(status) {
  try {
    return JSON.parse(decoder.decode(status));
  } catch {
    return `not JSON in UTF-8: ${Buffer.from(status).toString('latin1').slice(0, 100)}`;
  }
}
//# sourceMappingURL=describe-answer.js.map
