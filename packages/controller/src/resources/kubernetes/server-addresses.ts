import { hostAndPort } from './host-and-port.ts';

/** Returns the addresses of the API server, as `host:port`: that of the kubeconfig, and that of pods. No plugin can have them. */
export function serverAddresses(server: string, env: NodeJS.ProcessEnv): string[] {
  const { protocol, hostname, port } = new URL(server);
  const defaultPort = protocol === 'http:' ? 80 : 443;
  const addresses = [hostAndPort(hostname.replace(/^\[|\]$/g, ''), Number(port) || defaultPort)];
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: servicePort } = env;
  if (host) addresses.push(hostAndPort(host, Number(servicePort) || defaultPort));
  return [...new Set(addresses)];
}
