import { messageOf } from '@kplug/protocol';

/** Reports whether a browser can show something to the user of this process. */
export function hasDisplay(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): boolean {
  if (platform === 'darwin' || platform === 'win32') return true;
  return [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some(Boolean);
}

/**
 * Opens a URL of this program in the browser of the user, where there is a display.
 *
 * @param say tells the user what happens, in one line.
 */
export async function openBrowser(url: string, say: (text: string) => void): Promise<void> {
  if (!hasDisplay()) {
    say(`there is no display: open ${url} in a browser of this machine`);
    return;
  }
  try {
    const { default: open } = await import('open');
    await open(url);
    say(`opened ${url}`);
  } catch (error) {
    say(`no browser can be started (${messageOf(error)}): open ${url}`);
  }
}
