import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin } from '@kplug/sdk';

/** Plugin process for tests. It reads its name, version and delay from the environment, and reports the number of its calls. */
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
