import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TestOperator } from '@kplug/testing';
import { expect, it } from 'vitest';

const execute = promisify(execFile);

/** Runs `buf curl`, which knows the services of a server only by reflection. Returns its lines. */
async function bufCurl(address: string, path: string, ...args: string[]): Promise<string[]> {
  const url = `http://${address}${path}`;
  const { stdout } = await execute('buf', ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', ...args, url]);
  return stdout.trim().split('\n');
}

const reflection = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];

it('the heartbeat port lists exactly the services that it serves, and each can be called', async () => {
  const { controller } = await TestOperator.start();
  const address = controller.heartbeatAddress;
  const services = await bufCurl(address, '', '--list-services');
  expect(services.sort()).toEqual(
    ['grpc.health.v1.Health', ...reflection, 'kplug.Controller', 'kplug.v1.RegistryService'].sort(),
  );
  expect(await bufCurl(address, '', '--list-methods')).toContain('kplug.v1.RegistryService/Session');
  const health = await bufCurl(address, '/grpc.health.v1.Health/Check', '--data', '{}');
  expect(JSON.parse(health.join(''))).toEqual({ status: 'SERVING' });
  const list = await bufCurl(address, '/kplug.v1.RegistryService/ListPlugins', '--data', '{}');
  expect(JSON.parse(list.join(''))).toEqual({});
});

it('a plugin lists exactly the services that it serves, and each can be called', async () => {
  const operator = await TestOperator.start();
  const { address } = await operator.plugin({ name: 'PostgreSQL' });
  const host = `127.0.0.1${address}`;
  const services = await bufCurl(host, '', '--list-services');
  expect(services.sort()).toEqual(['grpc.health.v1.Health', ...reflection, 'kplug.v1.PluginService'].sort());
  const health = await bufCurl(host, '/grpc.health.v1.Health/Check', '--data', '{"service": "Table"}');
  expect(JSON.parse(health.join(''))).toEqual({ status: 'SERVING' });
  const info = await bufCurl(host, '/kplug.v1.PluginService/GetInfo', '--data', '{}');
  expect(JSON.parse(info.join(''))).toMatchObject({ plugin: 'PostgreSQL' });
});
