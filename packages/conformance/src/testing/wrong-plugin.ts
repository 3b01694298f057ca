import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { durationMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type Lease, RegistryService } from '@kplug/protocol';
import { WrongPlugin } from './wrong-serving.ts';

// A plugin without the SDK. It violates the requirement that WRONG names.
const wrong = process.env.WRONG ?? '';
if (wrong === 'P1') process.exit(0);

const { KPLUG_INSTANCE_ID: givenId, KPLUG_TOKEN: token } = process.env;
const metadata = new grpc.Metadata();
if (token && wrong !== 'P36') metadata.set('authorization', `Bearer ${token}`);
if (wrong !== 'P40') metadata.set('kplug-secret', randomBytes(32).toString('base64url'));
const plugin = new WrongPlugin(wrong, givenId ?? (wrong === 'P3' ? 'always-me' : randomUUID()));
const port = await plugin.listen();
const { plugin: name, version, apis, instanceId } = plugin.info;
const address = `127.0.0.1:${wrong === 'P4' ? 1 : port}`;
const registration = {
  plugin: name ?? '',
  version: version ?? '',
  apis: apis ?? [],
  instanceId: instanceId ?? '',
  address,
};
const registry = createGrpcClient(
  RegistryService,
  process.env.KPLUG_CONTROLLER ?? '',
  grpc.credentials.createInsecure(),
  {
    'grpc.max_reconnect_backoff_ms': 500,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.min_reconnect_backoff_ms': 50,
  },
);
let isStopping = false;
let interval = 1_000;
let endSession = () => {};

async function onLease(lease: Lease): Promise<void> {
  interval = lease.interval ? durationMs(lease.interval) * (wrong === 'P5' ? 3 : 1) : interval;
  if (!lease.drain) return;
  if (wrong === 'P9') process.exit(3);
  await stop();
}

async function stop(code = 0): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  if (wrong !== 'P29') await registry.deregister({ instanceId: registration.instanceId }, { metadata });
  while (plugin.isBusy && wrong !== 'P30 call') await delay(5);
  if (wrong !== 'P31 end') plugin.endStreams();
  endSession();
  await delay(50);
  process.exit(code);
}

/** Opens a session. Resolves with the gRPC code or `refused` when it ends. */
function session(): Promise<number | 'refused'> {
  return new Promise((resolve) => {
    const stream = registry.session({ metadata });
    let timer: NodeJS.Timeout | undefined;
    const end = (ending: number | 'refused') => {
      clearInterval(timer);
      resolve(ending);
    };
    stream.on('data', ({ answer }) => {
      if (answer.case === 'lease') {
        void onLease(answer.value);
        clearInterval(timer);
        timer = setInterval(() => stream.write({ message: { case: 'beat', value: {} } }), interval);
      } else {
        if (wrong !== 'P8') console.error(answer.value?.message);
        end('refused');
      }
    });
    stream.on('error', ({ code }: grpc.ServiceError) => end(code));
    endSession = () => stream.end();
    stream.write({ message: { case: 'registration', value: registration } });
  });
}

async function sendHeartbeats(): Promise<void> {
  for (;;) {
    const { answer } = await registry.heartbeat({ registration }, { metadata });
    if (answer.case === 'lease') await onLease(answer.value);
    await delay(interval);
  }
}

// Plugins without the SDK may use unary heartbeats only.
if (process.env.HEARTBEATS === 'unary') void sendHeartbeats();

process.on('SIGTERM', () => void stop(wrong === 'P30 exit' ? 1 : 0));
for (let wait = 100; process.env.HEARTBEATS !== 'unary'; wait = Math.min(wait * 2, 5_000)) {
  const ending = await session();
  if (isStopping) break;
  if (wrong === 'P6') await delay(3_600_000);
  if (ending === grpc.status.UNIMPLEMENTED && wrong !== 'P7') await sendHeartbeats();
  if (ending === 'refused') await delay(10_000);
  await delay(wrong === 'P6 storm' ? 10 : wait);
}
