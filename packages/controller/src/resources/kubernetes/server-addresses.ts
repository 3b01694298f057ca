import { hostAndPort } from './host-and-port.ts';

/** Where the API server is, as `host:port`: as the kubeconfig has it, and as pods find it. No plugin is there. */
export function serverAddresses(server: string, env: NodeJS.ProcessEnv): string[] {
  const { protocol, hostname, port } = new URL(server);
  const usual = protocol === 'http:' ? 80 : 443;
  const addresses = [hostAndPort(hostname.replace(/^\[|\]$/g, ''), Number(port) || usual)];
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: servicePort } = env;
  if (host) addresses.push(hostAndPort(host, Number(servicePort) || usual));
  return [...new Set(addresses)];
}
