import type { Terminal } from '../output/terminal.ts';

/** Reports whether a browser can show something to the user of this process. */
export function hasDisplay(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): boolean {
  if (platform === 'darwin' || platform === 'win32') return true;
  return [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some(Boolean);
}

/**
 * Prints a URL, and opens it in the browser of the user where there is a display.
 *
 * @param url must be of this program, as the browser opens what it names.
 */
export async function openBrowser(url: string, terminal: Terminal): Promise<void> {
  terminal.print(url);
  if (!hasDisplay()) {
    terminal.say('There is no display: open the URL in a browser of this machine.');
    return;
  }
  try {
    const { default: open } = await import('open');
    await open(url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    terminal.say(`No browser can be started (${reason}): open the URL yourself.`);
  }
}
