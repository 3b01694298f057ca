import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { NotMet } from '../requirement.js';

const manyLabels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`label-${index}`, 'x']));
/** What a registration may not be, and how it is named. */
const malformed = [
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
/** What must be refused, each as a requirement of its own, in one way of beating and the other. */
export const refusing = malformed.map(([what, fault]) => ({
  number: 'C2',
  level: 'MUST',
  title: `refuses a registration ${what}, with a reason and a message`,
  check: async (controller) => {
    demandRefusal('by Heartbeat', (await controller.heartbeat(controller.registration(fault))).answer);
    const session = controller.session();
    session.register(controller.registration(fault));
    const message = demandRefusal('in a session', await session.answer());
    const ending = await session.ending();
    if (ending !== 'ended') throw new NotMet(`the session ${ending ?? 'goes on'}`, 'its end after the refusal');
    return message;
  },
}));
function demandRefusal(way, { case: kind, value }) {
  const { reason = 0, message = '' } = value ?? {};
  if (kind !== 'refusal') throw new NotMet(`${way}: ${kind ?? 'an empty answer'}`, 'a refusal');
  if (reason === 0 || message === '') throw new NotMet(`${way}: the reason ${reason} and "${message}"`, 'both');
  return message;
}
//# sourceMappingURL=malformed.js.map
