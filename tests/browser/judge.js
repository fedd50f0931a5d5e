// Judges the open page with axe: everything at first, then whatever can differ in a further form of the same page.
//
// A theme changes colours, a width changes sizes. What is shown, or looks different, at one width alone is judged anew
// by every rule. The whole of axe in each of four forms took four fifths of the browser's time and found no more.
(() => {
  const LEVELS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const COLOURS = ['color-contrast', 'link-in-text-block'];
  const SIZES = ['target-size', 'scrollable-region-focusable'];
  const DOUBTED = new Set(['equalRatio', 'shortTextContent']);
  const HIDDEN = 'hidden';
  let judged; // by theme, how each element looked
  let widths;

  const look = node => {
    const css = getComputedStyle(node);
    const shown = node.checkVisibility({visibilityProperty: true, opacityProperty: true}) && css.clipPath === 'none';
    if (!shown) return HIDDEN;
    return [css.color, css.backgroundColor, css.backgroundImage, css.opacity, css.fontSize, css.fontWeight].join();
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
    const [elsewhere] = judged.values();
    const rules = [...judged.has(theme) ? [] : COLOURS, ...widths.has(width) ? [] : SIZES];
    const parts = elsewhere ? changed(now, judged.get(theme), elsewhere) : [];
    const all = {type: 'tag', values: LEVELS};
    const hidden = new CSSStyleSheet();
    hidden.replaceSync(elsewhere && left ? `${left} { display: none !important }` : '');
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
