/** Width below which a diagram is scrolled instead of scaled, in pixels. */
const readableWidth = 560;

/** Draws the diagrams of the page, and again when the reader changes the theme. Loads Mermaid only on pages that have a diagram. */
export async function drawDiagrams(): Promise<void> {
  const diagrams = [...document.querySelectorAll<HTMLElement>('pre.mermaid')];
  if (diagrams.length === 0) return;
  const sources = diagrams.map((diagram) => ({ diagram, source: diagram.textContent ?? '' }));
  const { default: mermaid } = await import('mermaid');
  let drawn = 0;
  const draw = async () => {
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: 'strict',
      theme: 'base',
      themeVariables: themeOf(document.documentElement.dataset.theme === 'dark'),
      fontFamily: getComputedStyle(document.body).fontFamily,
    });
    for (const { diagram, source } of sources) {
      const { svg } = await mermaid.render(`diagram-${drawn++}`, source);
      diagram.innerHTML = svg;
      const picture = diagram.querySelector('svg');
      const natural = picture?.viewBox.baseVal.width ?? 0;
      if (picture) picture.style.minWidth = `${Math.min(natural, readableWidth)}px`;
      diagram.dataset.drawn = '';
    }
  };
  await draw();
  new MutationObserver(() => void draw()).observe(document.documentElement, { attributeFilter: ['data-theme'] });
}

function themeOf(isDark: boolean): Record<string, string | boolean> {
  const [background, surface, line, text] = isDark
    ? ['#17181c', '#23262f', '#7d8597', '#eceef2']
    : ['#ffffff', '#eef1fb', '#6b7385', '#23262f'];
  return {
    darkMode: isDark,
    useGradient: false,
    dropShadow: 'none',
    background,
    primaryColor: surface,
    primaryBorderColor: line,
    primaryTextColor: text,
    secondaryColor: surface,
    tertiaryColor: background,
    tertiaryBorderColor: line,
    tertiaryTextColor: text,
    lineColor: line,
    textColor: text,
    edgeLabelBackground: background,
    clusterBkg: 'transparent',
    clusterBorder: line,
    noteBkgColor: surface,
    noteTextColor: text,
    noteBorderColor: line,
    actorBkg: surface,
    actorBorder: line,
    signalColor: line,
    signalTextColor: text,
    labelBoxBkgColor: surface,
    labelBoxBorderColor: line,
    labelTextColor: text,
    loopTextColor: text,
  };
}
