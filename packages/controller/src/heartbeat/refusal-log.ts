import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import { nameOfRefusal, type RefusedRegistration } from '../registry/refusal.ts';

/** Logs refused registrations: one line for each plugin and reason, as a refused plugin registers again and again. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #logged = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param plugin name as the plugin gave it, valid or not. */
  refused({ reason: code, message }: RefusedRegistration, plugin: string, instance: string): void {
    const reason = nameOfRefusal(code);
    const name = shortened(plugin);
    const key = `${name}/${reason}`;
    if (this.#logged.has(key) || this.#logged.size === limits.heartbeat.maxLoggedRefusals) return;
    this.#logged.add(key);
    const details = { plugin: name, instance: shortened(instance), reason };
    this.#log.warn(details, `refused the registration of ${name || 'a plugin without a name'}: ${shortened(message)}`);
    if (this.#logged.size < limits.heartbeat.maxLoggedRefusals) return;
    this.#log.warn(`${this.#logged.size} refused registrations were logged; further ones are only counted`);
  }
}

/** Shortens a text that a refused plugin chose, at any length. */
function shortened(text: string): string {
  const { maxLoggedTextLength } = limits.heartbeat;
  return text.length > maxLoggedTextLength ? `${text.slice(0, maxLoggedTextLength)}…` : text;
}
