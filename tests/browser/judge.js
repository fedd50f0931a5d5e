// Judges the open page with axe: everything at first, then whatever can differ in a further form of the same page.
//
// A theme changes colours, a width changes sizes. What is shown, or looks different, at one width alone is judged anew
// by every rule. The whole of axe in each of four forms took four fifths of the browser's time.
// Contrast, half of what is left, is judged of two of those texts that have the same colours on the same ground.
(() => {
  const LEVELS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const COLOURS = ['color-contrast', 'link-in-text-block'];
  const SIZES = ['target-size', 'scrollable-region-focusable'];
  const DOUBTED = new Set(['equalRatio', 'shortTextContent']);
  const HIDDEN = 'hidden';
  const CLEAR = ',rgba(0, 0, 0, 0),none,1,';
  axe.configure({rules: [{id: 'color-contrast', selector: ':not([data-alike])'}]});
  let judged; // by theme, how each element looked
  let widths;

  const look = node => {
    const css = getComputedStyle(node);
    const shown = node.checkVisibility({visibilityProperty: true, opacityProperty: true}) && css.clipPath === 'none';
    if (!shown) return HIDDEN;
    const [size, bold] = [parseFloat(css.fontSize), css.fontWeight >= 700];
    const large = size >= 24 || (bold && size >= 18.66); // WCAG 2.2, "large scale"
    return [css.color, css.backgroundColor, css.backgroundImage, css.opacity, large].join();
  };

  const setAlikeApart = now => {
    const grounds = new Map(), often = new Map();
    for (const [node, looks] of now) { // parents come before their children
      const own = looks.slice(looks.indexOf(')') + 1), below = grounds.get(node.parentElement) || '';
      const ground = own.startsWith(CLEAR) ? below : `${below}/${own}`;
      grounds.set(node, ground);
      const written = [...node.childNodes].some(one => one.nodeType === Node.TEXT_NODE && one.data.trim());
      const key = `${looks} on ${ground}`;
      if (written) often.set(key, (often.get(key) || 0) + 1);
      node.toggleAttribute('data-alike', written ? often.get(key) > 2 : !node.matches('input, select, textarea'));
    }
  };

  const changed = (now, before, elsewhere) => {
    const other = node => before ? before.get(node) !== now.get(node) : (elsewhere.get(node) ?? HIDDEN) === HIDDEN;
    const nodes = [...now.keys()].filter(node => now.get(node) !== HIDDEN && other(node));
    const all = new Set(nodes);
    return nodes.filter(node => { // the outermost of them
      for (let above = node.parentElement; above; above = above.parentElement) if (all.has(above)) return false;
      return true;
    });
  };

  const faults = async (include, exclude, runOnly) => {
    const found = await axe.run({include, exclude}, {runOnly, resultTypes: ['violations', 'incomplete']});
    const why = node => (node.failureSummary || '').replace(/\s+/g, ' ');
    const say = (rule, node) => `${rule.id} at ${node.target.join(' ')}: ${why(node)}`;
    const known = data => data && data.fgColor && data.bgColor; // unknown where the cell is scrolled out of sight
    const unsure = node => [...node.any, ...node.all].some(
      one => known(one.data) && DOUBTED.has(one.data.messageKey));
    return [
      ...found.violations.flatMap(rule => rule.nodes.map(node => say(rule, node))),
      ...found.incomplete.flatMap(rule => rule.nodes.filter(unsure).map(node => say(rule, node))),
    ];
  };

  window.judge = async ({theme, width, fresh, left, out}) => {
    if (fresh || !judged) [judged, widths] = [new Map(), new Set()];
    const asked = [...document.body.querySelectorAll('*')].filter(node => !out.some(part => node.closest(part)));
    const now = new Map(asked.map(node => [node, look(node)]));
    setAlikeApart(now);
    const [elsewhere] = judged.values();
    const rules = [...judged.has(theme) ? [] : COLOURS, ...widths.has(width) ? [] : SIZES];
    const parts = elsewhere ? changed(now, judged.get(theme), elsewhere).filter(node => !node.closest(left)) : [];
    const all = {type: 'tag', values: LEVELS};
    const hidden = new CSSStyleSheet();
    hidden.replaceSync(elsewhere ? `${left} { display: none !important }` : '');
    document.adoptedStyleSheets.push(hidden);
    const found = [
      ...rules.length ? await faults([document], out, elsewhere ? {type: 'rule', values: rules} : all) : [],
      ...parts.length ? await faults(parts, out, all) : [],
    ];
    document.adoptedStyleSheets.pop();
    judged.set(theme, now);
    widths.add(width);
    return [...new Set(found)];
  };
})();
