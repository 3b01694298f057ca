import { isJsonObject, jsonObjectsIn } from '../../resources/json.ts';
import type { JsonObject, JsonValue } from '../../resources/resource.ts';
import { containerLists } from './pod-specs.ts';
import { type FoundObject, join, valueAt } from './walk-json.ts';

/** Volumes that give a pod nothing of its node. Secrets and tokens are checked separately. */
const plainVolumes = [
  'configMap',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

const plainCapabilities = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

const plainSeLinuxTypes = ['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

const plainSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];

/** Finds a field of a pod spec that the Pod Security Standard `baseline` forbids. Returns its path; `undefined` when there is none. */
export function findPrivilege({ path, object: spec }: FoundObject): string | undefined {
  return [...privilegesOf(spec)].map((field) => join(path, field))[0];
}

function* privilegesOf(spec: JsonObject): Iterable<string> {
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (isSet(spec[field])) yield field;
  yield* privilegesOfContext(spec.securityContext, 'securityContext');
  yield* privilegedVolumes(spec.volumes);
  for (const list of containerLists) {
    for (const [index, container] of jsonObjectsIn(spec[list]).entries()) {
      for (const field of privilegesOfContainer(container)) yield `${list}[${index}].${field}`;
    }
  }
}

function* privilegedVolumes(volumes: JsonValue | undefined): Iterable<string> {
  for (const [index, volume] of jsonObjectsIn(volumes).entries()) {
    for (const field of Object.keys(volume)) {
      const isPlain = field === 'name' || plainVolumes.includes(field);
      if (!isPlain && isSet(volume[field])) yield `volumes[${index}].${field}`;
    }
  }
}

function* privilegesOfContainer(container: JsonObject): Iterable<string> {
  yield* privilegesOfContext(container.securityContext, 'securityContext');
  for (const [index, { hostPort }] of jsonObjectsIn(container.ports).entries()) {
    if (isSet(hostPort)) yield `ports[${index}].hostPort`;
  }
  // The kubelet sends these requests from the node.
  for (const hook of ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop']) {
    for (const action of ['httpGet', 'tcpSocket']) {
      if (isSet(valueAt(container, ...hook.split('.'), action, 'host'))) yield `${hook}.${action}.host`;
    }
  }
}

function* privilegesOfContext(context: JsonValue | undefined, path: string): Iterable<string> {
  if (!isJsonObject(context)) return;
  const at = (...fields: string[]) => valueAt(context, ...fields);
  const refuse = (isForbidden: boolean, field: string) => (isForbidden ? [`${path}.${field}`] : []);
  const capabilities = at('capabilities', 'add');
  const sysctls = jsonObjectsIn(context.sysctls).map(({ name }) => name);
  const seLinuxType = at('seLinuxOptions', 'type');
  yield* refuse(isSet(context.privileged), 'privileged');
  yield* refuse(isSet(context.procMount) && context.procMount !== 'Default', 'procMount');
  yield* refuse(!areAmong(Array.isArray(capabilities) ? capabilities : [], plainCapabilities), 'capabilities.add');
  yield* refuse(!areAmong(sysctls, plainSysctls), 'sysctls');
  yield* refuse(at('seccompProfile', 'type') === 'Unconfined', 'seccompProfile.type');
  yield* refuse(at('appArmorProfile', 'type') === 'Unconfined', 'appArmorProfile.type');
  yield* refuse(isSet(seLinuxType) && !areAmong([seLinuxType], plainSeLinuxTypes), 'seLinuxOptions.type');
  yield* refuse(isSet(at('seLinuxOptions', 'user')), 'seLinuxOptions.user');
  yield* refuse(isSet(at('seLinuxOptions', 'role')), 'seLinuxOptions.role');
  yield* refuse(isSet(at('windowsOptions', 'hostProcess')), 'windowsOptions.hostProcess');
}

function areAmong(values: readonly (JsonValue | undefined)[], allowed: readonly string[]): boolean {
  return values.every((value) => typeof value === 'string' && allowed.includes(value));
}

/** Reports whether a field has an effect. */
function isSet(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}
