interface PublishedVersion {
  version: string;
  /** Path at which the version is served. */
  path: string;
}

/**
 * Label with the version of these pages. It becomes a selector when the site has several versions, which `versions.json` at its root
 * lists; each release adds one.
 */
export class VersionSelect extends HTMLElement {
  connectedCallback(): void {
    void this.offerVersions();
  }

  private async offerVersions(): Promise<void> {
    const { root = '/', version: current } = this.dataset;
    const response = await fetch(`${root}versions.json`).catch(() => undefined);
    if (!response?.ok) return;
    const versions = (await response.json()) as PublishedVersion[];
    if (versions.length < 2) return;
    const select = document.createElement('select');
    select.ariaLabel = 'Version';
    for (const { version, path } of versions) select.add(new Option(version, path, false, version === current));
    select.addEventListener('change', () => location.assign(select.value));
    this.replaceChildren(select);
  }
}
