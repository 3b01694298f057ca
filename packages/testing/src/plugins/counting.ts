import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin } from '@kplug/sdk';

/** A plugin process for tests: its name, version and pace come from the environment, and it says how often it was called. */
let calls = 0;

await definePlugin({
  name: process.env.TEST_PLUGIN_NAME ?? 'Counting',
  version: process.env.TEST_PLUGIN_VERSION ?? '1.0.0',
  api: 'Table@1.0.0',
  async reconcile() {
    calls++;
    process.send?.({ called: calls });
    await sleep(Number(process.env.TEST_PLUGIN_DELAY ?? 0));
    return { status: { process: process.pid } };
  },
}).serve();
