import { Controller } from '@kplug/controller';
import { pluginsFolderOf } from '@kplug/controller/internal';
import { MemoryResources } from '@kplug/controller/memory';
import { pino } from 'pino';

/** Operator in a process of its own, which runs the plugins of a folder and reports its processes to the parent. */
const controller = new Controller({
  resources: new MemoryResources(),
  delegations: [{ name: 'tables', base: { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' }, api: 'Table@^1.0.0' }],
  heartbeatAddress: '127.0.0.1:0',
  adminAddress: false,
  logger: pino({ level: 'silent' }),
  pluginsFolder: { directory: process.argv[2] ?? '', settleTime: 50, scanInterval: 200 },
});
await controller.start();
const pluginsFolder = pluginsFolderOf(controller);
const report = () => process.send?.({ guard: pluginsFolder?.guard, plugins: pluginsFolder?.list() });
pluginsFolder?.subscribe(report);
// A replaced guard isn't reported otherwise.
setInterval(report, 50);
