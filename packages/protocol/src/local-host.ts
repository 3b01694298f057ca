import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';

/**
 * The address of this machine from which it reaches another one, given as `host:port`, so that the other one can reach it
 * there. Nothing is sent, and nobody need listen. Rejects when the name isn't known or there is no way there.
 */
export async function localHostTowards(address: string): Promise<string> {
  const [, ipv6, name = '', port] = /^(?:dns:\/\/\/)?(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  if (!port) throw new Error(`"${address}" isn't host:port`);
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
