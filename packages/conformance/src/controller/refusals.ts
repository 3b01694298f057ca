import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { NotMet, type Requirement } from '../requirement.ts';
import type { RegistrationInit } from './controller-client.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';

const manyLabels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`label-${index}`, 'x']));

/** Malformed registrations, with their description. */
const malformed: readonly [string, Partial<RegistrationInit>][] = [
  ['without a plugin name', { plugin: '' }],
  ['whose plugin name has a space', { plugin: 'My Plugin' }],
  ['whose plugin name has 64 characters', { plugin: 'a'.repeat(64) }],
  ['without a version', { version: '' }],
  ['whose version is not semantic', { version: '1.0' }],
  ['without an API', { apis: [] }],
  ['with an API that has no name', { apis: [{ name: '', version: '1.0.0' }] }],
  ['with an API that has no version', { apis: [{ name: 'KplugConformance', version: '' }] }],
  ['without an address', { address: '' }],
  ['whose address has no port', { address: 'example.org' }],
  ['without an instance id', { instanceId: '' }],
  ['whose instance id has 129 characters', { instanceId: 'x'.repeat(129) }],
  ['with a weight above 1000', { weight: 1_001 }],
  ['with more than 32 labels', { labels: manyLabels }],
  ['with a negative interval', { interval: durationFromMs(-1_000) }],
];

/** Requirements to refuse each malformed registration, by Heartbeat and by Session. */
export const refusalRequirements: readonly Requirement<ControllerUnderTest>[] = malformed.map(
  ([description, fault]) => ({
    number: 'C2',
    level: 'MUST',
    title: `refuses a registration ${description}, with a reason and a message`,
    check: async (controller) => {
      requireRefusal('by Heartbeat', (await controller.heartbeat(controller.registration(fault))).answer);
      const session = controller.session();
      session.register(controller.registration(fault));
      const message = requireRefusal('by Session', await session.answer());
      const ending = await session.ending();
      if (ending !== 'ended')
        throw new NotMet(`the session ${ending ?? 'stays open'}`, 'the end of the session after the refusal');
      return message;
    },
  }),
);

interface Answer {
  case?: string | undefined;
  value?: object | undefined;
}

function requireRefusal(call: string, { case: kind, value }: Answer): string {
  const { reason = 0, message = '' } = (value ?? {}) as { reason?: number; message?: string };
  if (kind !== 'refusal') throw new NotMet(`${call}: ${kind ?? 'an empty answer'}`, 'a refusal');
  if (reason === 0 || message === '')
    throw new NotMet(`${call}: the reason ${reason} and the message "${message}"`, 'a reason and a message');
  return message;
}
