import { setTimeout as delay } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, v0 } from '@kplug/protocol';
import { WrongV0Plugin } from './wrong-v0-serving.ts';

// A plugin as written for the first Kplug. It violates the requirement that WRONG names. Its heartbeats are frequent, so that
// tests are fast.
const wrong = process.env.WRONG ?? '';
if (wrong === 'F1') process.exit(0);

const own = `127.0.0.1:${await new WrongV0Plugin(wrong).listen()}`;
const addresses: Record<string, string> = { 'F1 address': 'nowhere', 'F2 nobody': '127.0.0.1:1' };
const information = {
  address: process.env.OTHER_ADDRESS ?? addresses[wrong] ?? own,
  name: 'Wrong',
  version: 'one',
  api: wrong === 'F1 api' ? '' : 'Greeting',
  apiVersion: 'v1',
};

for (;;) {
  const client = createGrpcClient(v0.Controller, process.env.KPLUG_CONTROLLER ?? '', grpc.credentials.createInsecure());
  const { accepted, notAcceptedReason } = await client.pluginHeartbeat(information, { deadline: Date.now() + 3_000 });
  client.$client.close();
  if (!accepted && wrong !== 'F1 log') console.error(notAcceptedReason);
  if (!accepted && wrong === 'F1 gives up') break;
  await delay(wrong === 'F1 seldom' ? 2_400 : 200);
}
