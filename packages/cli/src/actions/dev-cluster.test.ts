import { definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configuration, DevProject, pluginOf } from '../testing/dev-project.ts';

const group = 'dev.example.org';

let cluster: TestCluster;
let namespace: string;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Greeting' }));
  namespace = await cluster.namespace();
}, startTimeout);

afterAll(() => cluster?.close());

it('kplug dev runs on a cluster, and shows new code in the statuses of its resources', {
  timeout: 120_000,
}, async () => {
  const apiVersion = `${group}/v1`;
  await cluster.apply({ apiVersion, kind: 'Greeting', metadata: { name: 'world', namespace }, spec: { who: 'World' } });
  await using project = await DevProject.make({
    'kplug.yaml': configuration.replace('example.org/v1', apiVersion),
    kubeconfig: cluster.kubeConfig.exportConfig(),
  });
  const dev = project.start(['--kubeconfig', 'kubeconfig', '-n', namespace]);
  await dev.expect(/the operator runs on the cluster of the current context with 1 resource/);
  await dev.expect(/greeting\/\S+\/world +Ready.*text="Hello, World"/);
  await project.write('hello.ts', pluginOf({ text: 'Welcome' }));
  await dev.expect(/greeting\/\S+\/world +Ready.*text="Welcome, World"/);
  dev.signal('SIGINT');
  expect(await dev.ended()).toBe(0);
});
