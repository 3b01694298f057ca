/** Network, and the subnets to divide it into. */
export interface Wanted {
  /** Network, such as `10.20.0.0/22`. */
  network: string;
  /** Requested subnets. */
  subnets: readonly { name: string; hosts: number }[];
}

/** Subnet with its network. */
export interface Subnet {
  name: string;
  network: string;
  firstHost: string;
  lastHost: string;
}

/** Error for a network that is too small. The message is for the user. */
export class DoesNotFit extends Error {}

/** Consecutive addresses. */
interface Block {
  first: number;
  size: number;
}

/**
 * Assigns each subnet the smallest block for its hosts, at the first free place. A subnet keeps its place `before` as long as it fits
 * there, so that its addresses don't change because of other subnets. Throws `DoesNotFit`.
 */
export function plan(
  { network, subnets }: Wanted,
  before: readonly { name: string; network: string }[] = [],
): Subnet[] {
  const whole = readBlock(network);
  const kept = new Map<string, Block>();
  for (const { name, hosts } of subnets) {
    const place = before.find((one) => one.name === name);
    const block = place && readBlock(place.network);
    if (block?.size === sizeFor(hosts) && contains(whole, block) && isFree(block, kept)) kept.set(name, block);
  }
  const taken = new Map(kept);
  return subnets.map(({ name, hosts }) => {
    const block = kept.get(name) ?? findPlace(whole, sizeFor(hosts), taken);
    if (!block)
      throw new DoesNotFit(`${network} has no space left for ${name} with ${hosts} hosts; choose a larger network`);
    taken.set(name, block);
    return describe(name, block);
  });
}

/** Finds the first free block of a size, which begins at a multiple of its size. */
function findPlace(whole: Block, size: number, taken: ReadonlyMap<string, Block>): Block | undefined {
  for (let first = whole.first; first + size <= end(whole); ) {
    const obstacle = [...taken.values()].find((block) => overlap(block, { first, size }));
    if (!obstacle) return { first, size };
    first = Math.ceil(end(obstacle) / size) * size;
  }
  return undefined;
}

/** Size of a block for hosts, the network address and the broadcast address: a power of two. */
function sizeFor(hosts: number): number {
  return 2 ** Math.ceil(Math.log2(hosts + 2));
}

function isFree(block: Block, taken: ReadonlyMap<string, Block>): boolean {
  return ![...taken.values()].some((other) => overlap(block, other));
}

function overlap(one: Block, other: Block): boolean {
  return one.first < end(other) && other.first < end(one);
}

function contains(whole: Block, part: Block): boolean {
  return whole.first <= part.first && end(part) <= end(whole);
}

function end({ first, size }: Block): number {
  return first + size;
}

function readBlock(network: string): Block {
  const [address = '', length = '32'] = network.split('/');
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(length));
  return { first: Math.floor(number / size) * size, size };
}

function describe(name: string, { first, size }: Block): Subnet {
  return {
    name,
    network: `${formatAddress(first)}/${32 - Math.log2(size)}`,
    firstHost: formatAddress(first + 1),
    lastHost: formatAddress(first + size - 2),
  };
}

function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
