import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { eventually } from '../../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../../requirement.ts';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import type { SecuredPort } from './secured-port.ts';

/** URI in the certificate with which a controller calls plugins. */
const callerUri = 'URI:kplug://caller';

/** Extended key usage `clientAuth` (RFC 5280, section 4.2.1.12). */
const clientAuth = '1.3.6.1.5.5.7.3.2';

/** Requirements on the encryption of calls. They need a controller that is reached by TLS, and delegated resources. */
export const encryptionRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C40',
    level: 'MUST',
    title: 'calls an instance with a certificate by TLS only',
    check: async (controller) => {
      const { delegated, times } = requireTls(controller);
      const plugin = await delegated.v1('refuses TLS', { presents: 'nothing' });
      await using _resource = await delegated.delegate(plugin, 'c40', () => undefined);
      const port = await tried(plugin.secured, times.call);
      await eventually(() => port.plain > 0, times.quiet);
      if (port.plain > 0) throw new NotMet('a connection in plain text', 'TLS only');
      return `${port.encrypted} connections`;
    },
  },
  {
    number: 'C40',
    level: 'MUST',
    title: 'calls no instance that presents another certificate than it registered',
    check: async (controller) => {
      const { delegated, times } = requireTls(controller);
      const plugin = await delegated.v1('other certificate', { presents: 'another' });
      await using _resource = await delegated.delegate(plugin, 'c40-other', () => undefined);
      const port = await tried(plugin.secured, times.call);
      const isCalled = () => plugin.infoCalls.length > 0 || plugin.calls.length > 0;
      await eventually(isCalled, times.quiet);
      if (isCalled()) throw new NotMet('a call to an instance with another certificate', 'no call');
      return `${port.encrypted} connections`;
    },
  },
  {
    number: 'C41',
    level: 'MUST',
    title: 'presents a client certificate for kplug://caller, and only to plugins',
    check: async (controller) => {
      const { delegated, ca, address } = requireTls(controller);
      const plugin = await delegated.v1('unary');
      await using resource = await delegated.delegate(plugin, 'c41', () => undefined);
      await resource.call(0);
      for (const client of plugin.secured?.clients ?? []) checkCaller(client, ca);
      if (namesOf(await certificateAt(address)).includes(callerUri))
        throw new NotMet(`${callerUri} in the certificate of the heartbeat port`, 'a certificate of its own for calls');
      return undefined;
    },
  },
];

function requireTls(controller: ControllerUnderTest): ControllerUnderTest {
  if (controller.own) return controller;
  throw new NotTried('the controller is reached in plain text; check one that requires TLS, and give --ca');
}

/** Waits for a connection. */
async function tried(port: SecuredPort | undefined, timeout: number): Promise<SecuredPort> {
  if (port && (await eventually(() => port.encrypted + port.plain > 0, timeout))) return port;
  throw new NotTried(`the controller did not connect to the instance in ${timeout / 1_000} s`);
}

/** Throws `NotMet` for a certificate that is not that of a caller. */
function checkCaller(der: Buffer, ca: string | undefined): void {
  if (der.length === 0) throw new NotMet('a connection without a client certificate', 'a client certificate');
  const certificate = new X509Certificate(der);
  if (!namesOf(certificate).includes(callerUri))
    throw new NotMet(`the names ${certificate.subjectAltName}`, `the subject alternative name ${callerUri}`);
  if (!certificate.keyUsage?.includes(clientAuth))
    throw new NotMet(`the extended key usages ${certificate.keyUsage}`, `clientAuth (${clientAuth})`);
  const authorities = readAll(ca ?? '').filter((one) => one.ca);
  if (authorities.length === 0) throw new NotTried('--ca has no certificate of a CA; give the CA of the controller');
  const isIssued = authorities.some((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey));
  if (!isIssued) throw new NotMet(`the issuer ${certificate.issuer}`, 'the CA that the controller publishes');
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ');
}

function readAll(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Returns the certificate that a server presents. */
function certificateAt(address: string): Promise<X509Certificate> {
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise((resolve, reject) => {
    const options = { host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const socket = tls.connect(options, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate) resolve(certificate);
      else reject(new NotMet('no certificate of the heartbeat port', 'a certificate'));
    });
    socket.once('error', reject);
  });
}
