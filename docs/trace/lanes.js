// The rows on the page: what is seen of the run, what is lit, and how keys,
// mouse and fingers change it. `changed` is called when the selection or the
// moment is changed here.

function lanesOf(box, canvas, tip, colour, changed) {
  const lanes = {run: null, view: {u0: 0, u1: 1}, selected: null, time: 0, drawn: null};
  const context = canvas.getContext('2d');
  let size, waiting = false, still = null;

  lanes.show = (run, folded) => {
    const before = lanes.run === run && !lanes.whole() &&
      [lanes.view.u0, lanes.view.u1].map(u => run.measure.time(clamp(u)));
    lanes.run = run;
    place(run, measureOf(run, folded));
    if (before) [lanes.view.u0, lanes.view.u1] = before.map(run.measure.u);
    else lanes.all();
    lanes.draw();
  };
  const clamp = u => Math.min(Math.max(u, 0), lanes.run.measure.all);
  const margin = () => lanes.run.measure.all * 0.01;
  lanes.all = () => {
    lanes.view = {u0: -margin(), u1: lanes.run.measure.all + margin()};
    lanes.draw();
  };
  lanes.whole = () => lanes.view.u1 - lanes.view.u0 >= lanes.run.measure.all;
  lanes.draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };

  function paint() {
    const width = box.clientWidth, ratio = devicePixelRatio || 1, {height} = lanes.run;
    size = {width, gutter: gutterOf(lanes.run, width)};
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = height + 'px';
    }
    const what = [lanes.run, lanes.run.measure, lanes.view.u0, lanes.view.u1, lanes.selected,
      width, height, ratio, colour('paper')];
    if (!still || what.some((one, i) => one !== still.what[i])) still = paintStill(what, ratio);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(still.canvas, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawNow(canvasPen(context, colour), lanes.run, lanes.view, size, lanes.time);
  }

  // All but the line of the moment, which alone moves while a run is played.
  function paintStill(what, ratio) {
    const copy = document.createElement('canvas');
    copy.width = canvas.width;
    copy.height = canvas.height;
    const ink = copy.getContext('2d');
    ink.fontFamily = getComputedStyle(canvas).fontFamily;
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    lanes.drawn = draw(canvasPen(ink, colour), lanes.run, lanes.view, size, lanes);
    return {what, canvas: copy};
  }
  lanes.uAt = x => lanes.view.u0 + (x - size.gutter) / (size.width - size.gutter - 8) *
    (lanes.view.u1 - lanes.view.u0);
  lanes.xOf = u => size.gutter + (u - lanes.view.u0) / (lanes.view.u1 - lanes.view.u0) *
    (size.width - size.gutter - 8);

  // Not closer than a thousandth of a step or a nanosecond, not beyond the ends.
  lanes.zoom = (factor, u = (lanes.view.u0 + lanes.view.u1) / 2) => {
    const most = lanes.run.measure.all * 1.02, least = lanes.run.measure.folded ? 2 : most * 1e-7;
    const span = lanes.view.u1 - lanes.view.u0;
    const wanted = Math.min(Math.max(span / factor, least), most);
    lanes.view.u0 = u - (u - lanes.view.u0) * wanted / span;
    lanes.view.u1 = lanes.view.u0 + wanted;
    lanes.pan(0);
  };
  lanes.pan = by => {
    const span = lanes.view.u1 - lanes.view.u0, {all} = lanes.run.measure;
    const u0 = Math.min(Math.max(lanes.view.u0 + by * span, -margin()), all + margin() - span);
    lanes.view = {u0, u1: u0 + span};
    lanes.draw();
  };
  lanes.reveal = (u, v = u) => {
    const span = lanes.view.u1 - lanes.view.u0;
    if (u < lanes.view.u0 || v > lanes.view.u1) lanes.pan((Math.min(u, v) - lanes.view.u0) / span - 0.3);
  };
  lanes.select = bar => {
    lanes.selected = bar;
    if (bar) lanes.reveal(bar.u0, bar.u1);
    lanes.draw();
    changed('selected');
  };

  // ---------------------------------------------------------------- keys

  function neighbour(by) {
    const {bars} = lanes.run;
    if (!bars.length) return null;
    if (!lanes.selected) return by > 0 ? bars[0] : bars[bars.length - 1];
    return bars[Math.min(Math.max(bars.indexOf(lanes.selected) + by, 0), bars.length - 1)];
  }
  function other(by) { // the nearest handler on another thread
    const list = lanes.run.threads.filter(t => t.bars.length);
    const at = lanes.selected ? list.indexOf(lanes.selected.thread) : -1;
    const thread = list[Math.min(Math.max(at + by, 0), list.length - 1)];
    const time = lanes.selected?.from ?? 0;
    return thread && thread.bars[indexBelow(thread.bars.map(b => b.from), time)];
  }
  const keys = {
    ArrowRight: () => lanes.select(neighbour(1)), ArrowLeft: () => lanes.select(neighbour(-1)),
    ArrowDown: () => lanes.select(other(1)), ArrowUp: () => lanes.select(other(-1)),
    Home: () => lanes.select(lanes.run.bars[0] ?? null),
    End: () => lanes.select(lanes.run.bars.at(-1) ?? null),
    Enter: () => lanes.selected && changed('time', lanes.selected.from),
    '+': () => lanes.zoom(1.5, anchor()), '=': () => lanes.zoom(1.5, anchor()),
    '-': () => lanes.zoom(1 / 1.5, anchor()),
    0: () => lanes.all(), PageDown: () => lanes.pan(0.5), PageUp: () => lanes.pan(-0.5),
    ' ': () => changed('play'), f: () => changed('fold'), Escape: () => lanes.select(null),
  };
  const anchor = () => lanes.selected ? clamp((Math.max(lanes.selected.u0, lanes.view.u0) +
    Math.min(lanes.selected.u1, lanes.view.u1)) / 2) : undefined;
  box.onkeydown = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };

  // --------------------------------------------------- mouse and fingers

  const place_of = event => {
    const frame = canvas.getBoundingClientRect();
    return {x: event.clientX - frame.left, y: event.clientY - frame.top};
  };
  function barAt({x, y}) {
    const row = lanes.run.rows.find(r => r.levels && y >= r.y && y < r.y + r.height);
    const level = row && row.levels[Math.floor((y - row.y - 2) / BAR)];
    return level?.find(b => x >= lanes.xOf(b.u0) - 2 && x <= Math.max(lanes.xOf(b.u1), lanes.xOf(b.u0) + 3) + 2);
  }
  const fingers = new Map();
  let moved = 0;
  canvas.onpointerdown = event => {
    fingers.set(event.pointerId, place_of(event));
    moved = 0;
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = event => {
    const to = place_of(event), from = fingers.get(event.pointerId);
    if (!from) {
      showTip(to);
      return;
    }
    const others = [...fingers].filter(([id]) => id !== event.pointerId);
    moved += Math.abs(to.x - from.x);
    if (others.length) {
      const still = others[0][1].x;
      lanes.zoom(Math.max(Math.abs(to.x - still), 8) / Math.max(Math.abs(from.x - still), 8), lanes.uAt(still));
    } else lanes.pan((from.x - to.x) / (size.width - size.gutter));
    fingers.set(event.pointerId, to);
  };
  canvas.onpointerup = canvas.onpointercancel = event => {
    fingers.delete(event.pointerId);
    if (event.type === 'pointercancel' || moved > 6) return;
    const at = place_of(event), bar = barAt(at);
    if (bar) lanes.select(bar);
    else if (at.x > size.gutter) changed('time', lanes.run.measure.time(clamp(lanes.uAt(at.x))));
  };
  canvas.onpointerleave = () => { tip.hidden = true; };
  canvas.addEventListener('wheel', event => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && !sideways) return; // the page's own
    event.preventDefault();
    if (sideways) lanes.pan((event.deltaX || event.deltaY) / size.width);
    else lanes.zoom(Math.exp(-event.deltaY / 300), lanes.uAt(place_of(event).x));
  }, {passive: false});
  function showTip(at) {
    const bar = barAt(at);
    tip.hidden = !bar;
    if (!bar) return;
    tip.textContent = `${bar.name}${bar.part ? `, ${bar.part}` : ''}: ${bar.thread.name}, ${bar.on}, ` +
      `${sayTime(bar.to - bar.from)}`;
    tip.style.left = Math.min(at.x + 12, Math.max(size.width - 220, 0)) + 'px';
    tip.style.top = at.y + 14 + 'px';
  }
  new ResizeObserver(() => lanes.run && lanes.draw()).observe(box);
  return lanes;
}
