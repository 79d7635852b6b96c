// How a run looks: rows with bars, drawn by one of the pens of pens.js.

const BAR = 26, THIN = 6, GAP = 10, AXIS = 26, HEAD = 22, LEVELS = 4;
const WORD = 0.64; // of a letter's size is its width, wherever it is drawn

// ------------------------------------------------------------------ rows

// Puts spans that overlap below each other.
function stack(spans) {
  const levels = [];
  for (const span of spans) {
    let level = levels.findIndex(l => l[l.length - 1].to <= span.from);
    if (level < 0) level = levels.length;
    (levels[level] ??= []).push(span);
  }
  return levels;
}

// The same for what waits: the lowest level is for all that have no other.
function stackWaits(spans) {
  const levels = [];
  for (const span of spans) {
    let level = levels.findIndex(l => l[l.length - 1].to <= span.from);
    if (level < 0) level = levels.length;
    const last = level === LEVELS && levels[LEVELS - 1].at(-1);
    if (last) last.to = Math.max(last.to, span.to);
    else (levels[level] ??= []).push({...span});
  }
  return levels;
}

function rowsOf(run) {
  const rows = [{head: 'Threads, and what they do'}];
  for (const thread of run.threads)
    rows.push({name: thread.name, thread, levels: stack(thread.bars), thin: [thread.polls],
      starts: run.starts.filter(s => s.thread === thread)});
  rows.push({head: 'Executors: where handlers run, and wait'});
  for (const executor of run.executors)
    rows.push({name: executor.name, executor, levels: stack(executor.bars),
      thin: stackWaits(executor.waits), overlaps: overlaps(executor), starts: []});
  let y = AXIS;
  for (const row of rows) {
    row.y = y;
    row.bars = Math.max(row.levels?.length ?? 0, 1) * BAR;
    row.height = row.head ? HEAD : row.bars + Math.max(row.thin.length, 1) * THIN + GAP;
    y += row.height;
  }
  run.rows = rows;
  run.height = y + 4;
}

// Everything gets its place along the measure.
function place(run, measure) {
  const spans = [run.bars, run.polls, ...run.rows.flatMap(r => [r.overlaps ?? [],
    ...(r.executor ? r.thin : [])])];
  for (const span of spans.flat()) {
    span.u0 = measure.u(span.from);
    span.u1 = measure.u(span.to);
  }
  for (const start of run.starts) start.u = measure.u(start.at);
  run.measure = measure;
}

// --------------------------------------------------------------- drawing

// The text, as much of it as has room; nothing if that is not worth it.
function fit(text, room, size) {
  const letters = Math.floor(room / (size * WORD));
  if (text.length <= letters) return text;
  return letters >= 4 ? text.slice(0, letters - 1) + '…' : '';
}

// What of an ascending list of spans is seen, without what is hidden by its
// neighbours: at most one span a pixel.
function visible(spans, view, x) {
  const seen = [];
  let low = 0, high = spans.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (spans[mid].u1 < view.u0) low = mid + 1;
    else high = mid;
  }
  for (let last = -1, i = low; i < spans.length && spans[i].u0 <= view.u1; i++) {
    const to = Math.max(x(spans[i].u1), x(spans[i].u0) + 3);
    if (to < last + 1) continue;
    last = to;
    seen.push(spans[i]);
  }
  return seen;
}

// `look` says which handler is `selected`, and which ones are `shared`.
// Arrows and all names are shown where few handlers are.
function draw(pen, run, view, size, look) {
  const room = size.width - size.gutter - 8;
  const x = u => size.gutter + (u - view.u0) / (view.u1 - view.u0) * room;
  const rows = run.rows.map(row =>
    ({...row, seen: (row.levels ?? []).map(level => visible(level, view, x))}));
  const bars = rows.filter(row => row.thread).flatMap(row => row.seen.flat());
  const art = {pen, run, view, size, look, x, few: bars.length <= size.width / 12};
  drawAxis(art);
  for (const row of rows) drawRow(art, row);
  if (art.few)
    for (const op of new Set(bars.map(bar => bar.op)))
      drawArrow(art, op, {stroke: 'soft', width: 1.2, alpha: 0.75});
  for (const row of rows) drawBars(art, row);
  if (look.selected) drawArrow(art, look.selected.op, {stroke: 'accent', width: 2.5});
  return {bars, few: art.few};
}

function drawNow(pen, run, view, size, time) {
  const x = size.gutter + (run.measure.u(time) - view.u0) / (view.u1 - view.u0) *
    (size.width - size.gutter - 8);
  if (x >= size.gutter - 1 && x <= size.width)
    pen.line(x, AXIS - 6, x, run.height, {stroke: 'accent', width: 2});
}

// As wide as the names of the rows.
function gutterOf(run, width) {
  const most = Math.max(...run.rows.map(row => (row.name ?? '').length));
  return Math.min(most * 13 * WORD + 10, width < 600 ? 82 : 150);
}

function drawAxis({pen, run, view, size, x}) {
  const {measure} = run, texts = [];
  if (!measure.folded) {
    const rough = (view.u1 - view.u0) / Math.max(2, (size.width - size.gutter) / 100);
    const ten = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(f => f * ten).find(s => s >= rough);
    for (let t = Math.ceil(view.u0 / step) * step; t <= view.u1; t += step)
      texts.push([t, sayTime(+t.toPrecision(9), 6)]);
  } else {
    const {steps, times} = run, apart = 84 / (x(1) - x(0));
    for (let i = indexBelow(steps, view.u0), next = Math.max(view.u0, 0); i < steps.length && steps[i] <= view.u1;) {
      if (steps[i] >= next) {
        texts.push([steps[i], sayTime(times[i], run.end < 1 ? 4 : 5)]);
        next = steps[i] + apart;
      }
      i = Math.max(i + 1, indexBelow(steps, next));
    }
  }
  let free = 0;
  for (const [u, text] of texts) {
    pen.line(x(u), AXIS - 8, x(u), run.height - 4, {stroke: 'edge'});
    const end = x(u) + text.length * 12 * WORD > size.width;
    if (end && x(u) - text.length * 12 * WORD < free) continue;
    pen.text(x(u) + (end ? -3 : 3), AXIS - 12, text, {fill: 'soft', size: 12, anchor: end ? 'end' : ''});
    free = x(u) + text.length * 12 * WORD;
  }
}

// What lies below the bars of a row: its name, two at once, sleep and waits.
function drawRow({pen, size, x, view, look}, row) {
  if (row.head) {
    pen.text(4, row.y + 15, row.head, {fill: 'soft', size: 12.5});
    return;
  }
  pen.box(size.gutter, row.y, size.width - size.gutter, row.height - GAP + 4,
    {fill: 'lane', r: 4, kind: 'lane'});
  const name = fit(row.name, size.gutter - 4, 13) === row.name ? row.name : row.thread?.short ?? row.name;
  pen.text(4, row.y + 18, fit(name, size.gutter - 4, 13),
    {fill: row.executor && !row.executor.many ? row.executor.colour : 'ink', size: 13, bold: true});
  const edges = span => [Math.max(x(span.u0), size.gutter), Math.min(x(span.u1), size.width)];
  for (const both of row.overlaps ?? [])
    if (both.u1 > view.u0 && both.u0 < view.u1 && look.shared(both.name))
      drawOverlap(pen, row, edges(both), size);
  row.thin.forEach((level, i) => {
    for (const span of visible(level, view, x)) {
      const [left, right] = edges(span);
      if (row.thread || right - left >= 1)
        pen.box(left, row.y + row.bars + 3 + i * THIN, Math.max(right - left, 2), THIN - 2,
          row.thread ? {fill: 'sleep', kind: 'poll'} : {fill: 'wait', kind: 'wait'});
    }
  });
}

function drawOverlap(pen, row, [left, right], size) {
  const frame = [left, row.y - 1, Math.max(right - left, 3), row.height - GAP + 6];
  pen.box(...frame, {fill: 'alarm', alpha: 0.28, kind: 'overlap'});
  pen.box(...frame, {stroke: 'alarm', width: 2.5, dash: [6, 3]});
  if (left - size.gutter > 100)
    pen.text(left - 8, row.y + 20, 'two at once', {fill: 'alarm', size: 13, bold: true, anchor: 'end'});
}

function drawBars(art, row) {
  const {pen, size, x, few} = art;
  const each = draw => row.seen.forEach((level, i) => level.forEach((bar, j) =>
    draw(art, row, bar, row.y + 2 + i * BAR, level[j - 1], level[j + 1])));
  each(drawBar);
  let last = -9;
  for (const start of row.starts ?? []) {
    const at = x(start.u);
    if (at < Math.max(size.gutter - 1, last + 5) || at > size.width) continue;
    pen.box(at - 1.5, row.y + 1, few ? 3 : 2, few ? BAR - 2 : 5, {fill: 'ink', kind: 'start'});
    last = at;
  }
  each(drawName);
}

function edgesOf({size, x}, bar) {
  const left = Math.max(x(bar.u0), size.gutter - 2), right = Math.min(x(bar.u1), size.width);
  return {left, right, width: Math.max(right - left, 3)};
}

function drawBar(art, row, bar, top) {
  const {pen, look} = art, {left, width} = edgesOf(art, bar);
  const {colour} = bar.executor, work = bar.part === 'work';
  const style = {fill: colour, r: 4, kind: row.thread ? 'bar' : 'again'};
  if (work) Object.assign(style, {fill: 'lane', stroke: colour, width: 2.5, dash: [5, 3]});
  if (look.selected === bar) Object.assign(style, {stroke: 'ink', width: 3});
  pen.box(left, top, width, BAR - 4, style);
}

// In the bar, smaller if need be; beside it, if there is room; or not at all.
function drawName(art, row, bar, top, before, after) {
  const {pen, size, x, few} = art, {left, right, width} = edgesOf(art, bar);
  const name = bar.name + (bar.part ? `: ${bar.part}` : '');
  const letter = [13, 12, 11].find(l => fit(name, width - 4, l) === name) ?? 11;
  const inner = width > 20 && fit(name, width - 4, letter);
  if (inner)
    pen.text(left + 4, top + 16, inner, {fill: bar.part === 'work' ? 'ink' : 'paper', size: letter});
  else if (few) {
    const room = (after ? x(after.u0) : size.width) - right - 6;
    const behind = left - (before ? Math.max(x(before.u1), x(before.u0) + 3) : size.gutter) - 6;
    if (fit(name, room, 12) === name) pen.text(right + 4, top + 16, name, {fill: 'ink', size: 12});
    else if (!after && fit(name, behind, 12) === name)
      pen.text(left - 4, top + 16, name, {fill: 'ink', size: 12, anchor: 'end'});
  }
}

// From where an operation is initiated to its handler; through its work
// elsewhere, if it has one.
function drawArrow({pen, run, view, size, x}, op, style) {
  const rowOf = thread => run.rows.find(row => row.thread === thread);
  let from = op.start;
  for (const bar of op.bars) {
    const a = from && rowOf(from.thread), b = rowOf(bar.thread);
    const level = b.levels.findIndex(l => l.includes(bar));
    const down = a && (a.y <= b.y ? 1 : -1), top = b.y + 2 + level * BAR;
    const to = Math.min(x(bar.u0), size.width) + 3;
    if (from && from.u <= view.u1 && bar.u0 >= view.u0 && to <= size.width)
      pen.curve(Math.max(x(from.u), size.gutter), a === b ? top : down > 0 ? a.y + BAR / 2 : a.y,
        to, down > 0 ? top : top + BAR - 4, style, down);
    from = {u: bar.u1, thread: bar.thread};
  }
}
