import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';

/**
 * Local IP address from which this machine reaches `address`, given as `host:port`. It is the address at which the other machine can reach
 * this one. No packet is sent, and nothing needs to listen there. Rejects if the host name can't be resolved or there is no route.
 */
export async function localHostTowards(address: string): Promise<string> {
  const [, ipv6, name = '', port] = /^(?:dns:\/\/\/)?(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  if (!port) throw new Error(`invalid address "${address}"; write host:port`);
  const remote = await lookup(ipv6 ?? name);
  const socket = createSocket(remote.family === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(Number(port), remote.address);
    await once(socket, 'connect');
    const { address: host, family } = socket.address();
    return family === 'IPv6' ? `[${host}]` : host;
  } finally {
    socket.close();
  }
}
