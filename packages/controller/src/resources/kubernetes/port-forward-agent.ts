import { Agent } from 'node:http';
import { Duplex, PassThrough, Writable } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';
import { KplugError, messageOf } from '../../errors.ts';
import { ApiError, errorOfStatus } from './api-error.ts';

/** Port of a pod. */
export interface PodPort {
  namespace: string;
  name: string;
  port: number;
}

/**
 * Connects HTTP requests to a port of a pod, as `kubectl port-forward` does: over the API server and the kubelet, to the loopback
 * interface of the pod. No port is opened on this machine, where other users could reach it. Takes the right to create
 * `pods/portforward`.
 */
export class PortForwardAgent extends Agent {
  readonly #kubeConfig: KubeConfig;
  readonly #target: PodPort;

  constructor(kubeConfig: KubeConfig, target: PodPort) {
    super({ keepAlive: false });
    this.#kubeConfig = kubeConfig;
    this.#target = target;
  }

  /** Connects to the port. Rejects with `StorageFailed`. */
  connect(): Promise<Duplex> {
    return this.#connect();
  }

  override createConnection(_options: unknown, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#connect().then(
      (stream) => callback?.(null, stream),
      // The stream is missing, as for any failed connection.
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }

  async #connect(): Promise<Duplex> {
    const { namespace, name, port } = this.#target;
    const received = new PassThrough();
    const sent = new PassThrough();
    let stream: Duplex | undefined;
    const failures = new Writable({
      // The kubelet writes there why it can't connect; an empty message carries only the port.
      write: (chunk: Buffer, _encoding, done) => {
        if (chunk.length > 0) stream?.destroy(this.#failed(chunk.toString('utf8').trim()));
        done();
      },
    });
    const forward = new PortForward(this.#kubeConfig);
    try {
      const socket = await forward.portForward(namespace, name, [port], received, failures, sent);
      if (typeof socket === 'function') throw new TypeError('a connection without retries is a socket');
      socket.onclose = () => received.end();
      stream = Duplex.from({ readable: received, writable: sent });
      stream.once('close', () => socket.close());
      // Clients ask a socket whether it is still connecting.
      return Object.assign(stream, { readyState: 'open' });
    } catch (cause) {
      const error = errorOf(cause);
      throw this.#failed(error.message, error);
    }
  }

  #failed(reason: string, cause?: unknown): KplugError {
    const { namespace, name, port } = this.#target;
    const message = `the port ${port} of the pod ${namespace}/${name} can't be forwarded: ${reason}`;
    return new KplugError('StorageFailed', message, { cause });
  }
}

/** Returns the error for a failed WebSocket, whose client reports an event with the error, and of a response only the status. */
function errorOf(failure: unknown): ApiError {
  const reason = messageOf((failure as { error?: unknown }).error ?? failure);
  const code = Number(/\b[345]\d\d$/.exec(reason)?.[0] ?? 0);
  const needed =
    code === 401 || code === 403 ? '; it takes the right to create pods/portforward in that namespace' : '';
  const text = `${reason}${needed}`;
  return code === 0 ? new ApiError('Unreachable', text, { cause: failure }) : errorOfStatus(code, text);
}
