// Two pens: one paints a canvas, for the page, and one writes SVG, for READMEs.

// An arrow arrives from above or from below: both bends, where its line ends,
// and where its head does.
function bends(x0, y0, x1, y1, down) {
  const way = Math.min(Math.max(Math.abs(y1 - y0) / 2, 14), 60) * down;
  const lean = Math.min(Math.abs(x1 - x0) / 2, 60);
  return [[x0 + lean, y0 === y1 ? y0 - way : y0], [x1, y1 - way], y1 - 6 * down, y1 - 7 * down];
}

function canvasPen(context, colour) {
  const c = context;
  const path = (style, fill) => {
    c.globalAlpha = style.alpha ?? 1;
    if (style.fill && fill) {
      c.fillStyle = colour(style.fill);
      c.fill();
    }
    if (style.stroke) {
      c.strokeStyle = colour(style.stroke);
      c.lineWidth = style.width ?? 1;
      c.setLineDash(style.dash ?? []);
      c.stroke();
    }
    c.globalAlpha = 1;
  };
  return {
    box(x, y, w, h, style) {
      if (w < 12 && !style.stroke && !style.alpha) { // there may be thousands
        c.fillStyle = colour(style.fill);
        c.fillRect(x, y, w, h);
        return;
      }
      c.beginPath();
      if (style.r && w > 2 * style.r) c.roundRect(x, y, w, h, style.r);
      else c.rect(x, y, w, h);
      path(style, true);
    },
    curve(x0, y0, x1, y1, style, down) {
      const [a, b, end, back] = bends(x0, y0, x1, y1, down);
      c.beginPath();
      c.moveTo(x0, y0);
      c.bezierCurveTo(...a, ...b, x1, end);
      path(style, false);
      c.beginPath();
      c.moveTo(x1, y1);
      c.lineTo(x1 - 4, back);
      c.lineTo(x1 + 4, back);
      path({fill: style.stroke, alpha: style.alpha}, true);
    },
    line(x0, y0, x1, y1, style) {
      c.beginPath();
      c.moveTo(x0, y0);
      c.lineTo(x1, y1);
      path(style, false);
    },
    text(x, y, text, style) {
      c.font = `${style.bold ? 600 : 400} ${style.size}px ${c.fontFamily ?? 'sans-serif'}`;
      c.textAlign = {middle: 'center', end: 'right'}[style.anchor] ?? 'left';
      c.fillStyle = colour(style.fill);
      c.fillText(text, x, y);
    },
  };
}

const escaped = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  .replace(/>/g, '&gt;').replace(/"/g, '&quot;');

function svgPen() {
  const parts = [], used = new Set();
  const n = value => +value.toFixed(0);
  const paint = style => {
    let text = '';
    for (const name of ['fill', 'stroke'])
      if (style[name]) used.add(style[name]);
    text += style.fill ? ` fill="var(--${style.fill})"` : ' fill="none"';
    if (style.stroke) text += ` stroke="var(--${style.stroke})" stroke-width="${style.width ?? 1}"`;
    if (style.dash) text += ` stroke-dasharray="${style.dash}"`;
    if (style.alpha) text += ` opacity="${style.alpha}"`;
    return text;
  };
  const kind = style => style.kind ? ` class="${style.kind}"` : '';
  return {
    parts, used,
    box: (x, y, w, h, style) => parts.push(`<rect${kind(style)} x="${n(x)}" y="${n(y)}" ` +
      `width="${Math.max(n(x + w) - n(x), 2)}" height="${n(h)}"` +
      `${style.r ? ` rx="${style.r}"` : ''}${paint(style)}/>`),
    curve(x0, y0, x1, y1, style, down) {
      const [a, b, end, back] = bends(x0, y0, x1, y1, down);
      parts.push(`<path class="arrow" d="M${n(x0)} ${n(y0)}C${[...a, ...b, x1, end].map(n).join(' ')}"` +
        `${paint({...style, fill: ''})}/>`,
      `<path d="M${n(x1)} ${n(y1)}L${n(x1 - 4)} ${n(back)}H${n(x1 + 4)}z"` +
        `${paint({fill: style.stroke, alpha: style.alpha})}/>`);
    },
    line: (x0, y0, x1, y1, style) => parts.push(`<path d="M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}"` +
      `${paint(style)}/>`),
    text(x, y, text, style) {
      parts.push(`<text x="${n(x)}" y="${n(y)}" font-size="${style.size}"` +
        `${style.bold ? ' font-weight="600"' : ''}` +
        `${style.anchor ? ` text-anchor="${style.anchor}"` : ''}${paint(style)}>` +
        `${escaped(text)}</text>`);
    },
  };
}
