import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openClusterReader } from '@kplug/controller/tools';
import type { ClusterObject, TestCluster } from '@kplug/testing/control-plane';
import { startTimeout } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { helm, helmTimeout, render } from '../../charts/testing.ts';
import { attachmentKind } from '../../packages/cli/src/attach/attachment-object.ts';
import { AttachableOperator, attachableCluster, userPlugin, waitOptions } from '../attach.fixture.ts';

const admission = 'admissionregistration.k8s.io/v1';
const values = {
  delegations: [
    { name: 'tables', base: { apiVersion: 'operator.example.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' },
  ],
  attach: { enabled: true },
  fullnameOverride: 'kplug',
};

let cluster: TestCluster;

beforeAll(async () => {
  await helm('version');
  cluster = await attachableCluster();
}, startTimeout + helmTimeout);

afterAll(() => cluster?.close());

/** Applies what the chart has for attachments, for an operator in a namespace. */
async function applyRights(namespace: string): Promise<void> {
  const objects = await render('kplug', values, namespace);
  const roles = objects.filter(({ kind, metadata }) => /Role$/.test(kind) && /attach/.test(metadata.name));
  expect(roles.length).toBe(3);
  for (const role of roles) await cluster.apply(role);
  for (const plural of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings']) {
    const object = objects.find(({ kind }) => kind.toLowerCase() === plural.replace(/ies$/, 'y').replace(/s$/, ''));
    if (!object) throw new Error(`the chart has none of ${plural}`);
    await cluster.request('POST', `/apis/${admission}/${plural}`, object);
    onTestFinished(() =>
      cluster.request('DELETE', `/apis/${admission}/${plural}/${object.metadata.name}`).then(() => undefined),
    );
  }
}

/** Makes a user with a kubeconfig in the folder of the operator. */
async function makeUser(operator: AttachableOperator, name: string): Promise<string> {
  const { namespace, folder } = operator;
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = await cluster.request<{ status: { token: string } }>('POST', path, body);
  const config = JSON.parse(cluster.kubeConfig.exportConfig());
  for (const { user } of config.users) {
    for (const field of Object.keys(user)) delete user[field];
    user.token = status.token;
  }
  await writeFile(join(folder, name), JSON.stringify(config));
  return `system:serviceaccount:${namespace}:${name}`;
}

/** Binds a role of the chart to a user. */
async function bind(
  operator: AttachableOperator,
  name: string,
  role: { kind: string; name: string },
  namespace = operator.namespace,
) {
  const group = 'rbac.authorization.k8s.io';
  await cluster.apply({
    apiVersion: `${group}/v1`,
    kind: 'RoleBinding',
    metadata: { name: `${name}-${role.name}`.slice(0, 63), namespace },
    roleRef: { apiGroup: group, ...role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: operator.namespace }],
  });
}

const attachRole = ({ namespace }: AttachableOperator) => ({
  kind: 'ClusterRole',
  name: `kplug-${namespace}-attach`,
});
const connectRole = { kind: 'Role', name: 'kplug-attach-connect' };

describe('rights to attach plugins', () => {
  it('are needed in the namespace, are named when they are missing, and reach no other namespace', {
    timeout: 120_000,
  }, async () => {
    const operator = await AttachableOperator.start(cluster);
    await applyRights(operator.namespace);
    await operator.serve();
    await operator.table('mine', { owner: 'me' });
    await operator.expectBy('mine', 'cluster');
    const user = await makeUser(operator, 'ann');
    await bind(operator, 'ann', connectRole);
    const args = ['--selector', 'owner=me', '--lease', '5s', '--', process.execPath, userPlugin];

    // Without it, everyone who reaches the operator would get the resources of all namespaces.
    await vi.waitFor(async () => {
      const { code, stderr } = await operator.attach(args, { kubeconfig: 'ann' }).ended();
      expect(stderr).toContain(`you may not attach plugins in the namespace ${operator.namespace}`);
      expect(stderr).toContain(`the ClusterRole kplug-${operator.namespace}-attach of the chart`);
      expect(code).toBe(1);
    }, waitOptions);

    await bind(operator, 'ann', attachRole(operator));
    const attached = operator.attach(args, { kubeconfig: 'ann' });
    const taken = await operator.expectBy('mine', 'laptop');
    expect(taken.status?.conditions?.find(({ type }) => type === 'PluginSelected')?.message).toContain(`by ${user} `);
    const elsewhere = await cluster.namespace();
    const refused = await operator.attach(['-n', elsewhere, ...args], { kubeconfig: 'ann' }).ended();
    expect(refused.stderr).toContain(`you may not attach plugins in the namespace ${elsewhere}`);

    // Without it, who took the right of a user away would have to end the attachments of that user by hand.
    await cluster.delete({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: `ann-${attachRole(operator).name}`.slice(0, 63), namespace: operator.namespace },
    });
    const { stderr } = await attached.ended();
    expect(stderr).toContain('you may no longer renew the Attachment');
    await operator.expectBy('mine', 'cluster');
    await vi.waitFor(async () => expect(await operator.attachments()).toEqual([]), waitOptions);
  });

  it('are those of its own user: nobody else renews or changes an attachment', { timeout: 60_000 }, async () => {
    const operator = await AttachableOperator.start(cluster);
    await applyRights(operator.namespace);
    const { namespace } = operator;
    const spec = {
      delegation: 'tables',
      selector: { matchLabels: { owner: 'me' } },
      tokenSHA256: createHash('sha256').update(randomBytes(32)).digest('hex'),
      leaseDurationSeconds: 600,
      renewTime: new Date().toISOString(),
    };
    const { userInfo } = (
      await cluster.request<{ status: { userInfo: { username: string } } }>(
        'POST',
        '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'SelfSubjectReview',
        },
      )
    ).status;
    const object = (name: string, changes: object): ClusterObject => ({
      apiVersion: 'attachments.kplug.dev/v1alpha1',
      kind: 'Attachment',
      metadata: { name, namespace },
      spec: { ...spec, user: userInfo.username, ...changes },
    });
    // Without it, statuses and Events would blame somebody else. The API server applies a new policy within a moment.
    await vi.waitFor(async () => {
      await expect(cluster.apply(object('forged', { user: 'boss' }))).rejects.toThrow(/spec\.user must be/);
    }, waitOptions);
    const mine = object('mine', {});
    await cluster.apply(mine);
    // Without it, a change of the hash would hand the resources over to another machine.
    const others = {
      tokenSHA256: '0'.repeat(64),
      delegation: 'chairs',
      selector: { matchLabels: { owner: 'you' } },
      user: 'boss',
    };
    for (const [field, value] of Object.entries(others)) {
      await expect(cluster.edit(mine, { spec: { [field]: value } }), field).rejects.toThrow(/never changes|must be/);
    }
    await expect(cluster.apply(object('whole', { selector: {} }))).rejects.toThrow(/set all: true/);
    await cluster.edit(mine, { spec: { renewTime: new Date().toISOString() } });

    // Without it, a colleague's process, or an old script, would keep an attachment alive whose user is gone.
    await makeUser(operator, 'bob');
    await bind(operator, 'bob', attachRole(operator));
    const reader = await openClusterReader({ kubeconfig: join(operator.folder, 'bob') });
    onTestFinished(() => reader.close());
    const renewal = { spec: { renewTime: new Date().toISOString() } };
    const renew = () => reader.patch(attachmentKind, { namespace, name: 'mine' }, renewal);
    await vi.waitFor(async () => {
      await expect(renew()).rejects.toThrow('only who created an Attachment renews it');
    }, waitOptions);
  });
});
