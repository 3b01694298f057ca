import { Broker, type BrokerAnswer, type ClusterObject, TestCluster } from '@kplug/testing/control-plane';
import { KubeConfig } from '@kubernetes/client-node';

/** Number of objects that are created or edited concurrently. */
const atOnce = 16;

/** Number of requests to the API server, by verb and resource: `PATCH tables/status`. */
export type RequestCounts = ReadonlyMap<string, number>;

/** API server that runs for the duration of a benchmark. */
export class BenchCluster implements AsyncDisposable {
  readonly user: TestCluster;
  /** Kubeconfig for the API server. */
  readonly kubeconfig: string;
  readonly #broker: Broker;

  private constructor(user: TestCluster, kubeconfig: string, broker: Broker) {
    this.user = user;
    this.kubeconfig = kubeconfig;
    this.#broker = broker;
  }

  static async start(progress: (doing: string) => void): Promise<BenchCluster> {
    const broker = new Broker(progress);
    const address = await broker.listen();
    try {
      const response = await fetch(`${address}/control-plane`);
      const { kubeconfig = '', error } = (await response.json()) as BrokerAnswer;
      if (error) throw new Error(error);
      const kubeConfig = new KubeConfig();
      kubeConfig.loadFromString(kubeconfig);
      return new BenchCluster(await TestCluster.connect(kubeConfig), kubeconfig, broker);
    } catch (error) {
      await broker.close();
      throw error;
    }
  }

  /** Calls a function for each object, several concurrently. */
  async each<T>(objects: readonly T[], act: (object: T) => Promise<unknown>): Promise<void> {
    const left = objects.values();
    const work = async () => {
      for (const object of left) await act(object);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  /** Creates objects, as a user. */
  apply(objects: readonly ClusterObject[]): Promise<void> {
    return this.each(objects, (object) => this.user.apply(object));
  }

  /** Reads the number of requests for the kinds of some groups and for Events from the metrics of the API server. */
  async requests(...groups: string[]): Promise<RequestCounts> {
    const counts = new Map<string, number>();
    for (const line of (await this.user.text('/metrics')).split('\n')) {
      const [, labels = '', value] = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line) ?? [];
      if (value === undefined) continue;
      const { group: asked = '', resource = '', subresource = '', verb = '' } = readLabels(labels);
      if (!groups.includes(asked) && resource !== 'events') continue;
      const name = `${verb} ${subresource ? `${resource}/${subresource}` : resource}`;
      counts.set(name, (counts.get(name) ?? 0) + Number(value));
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.user.close();
    await this.#broker.close();
  }
}

/** Subtracts two counts of requests. */
export function difference(after: RequestCounts, before: RequestCounts): RequestCounts {
  return new Map([...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
}

function readLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}
