// A picture of a run, and its legend.

// The run as SVG that stands alone: `colours` are pairs, for light and dark.
function pictureOf(run, shared, colours, title) {
  rowsOf(run);
  place(run, measureOf(run, suggestFold(run)));
  const size = {width: 760, gutter: gutterOf(run, 760)}, pen = svgPen();
  const margin = run.measure.all * 0.01;
  draw(pen, run, {u0: -margin, u1: run.measure.all + margin}, size, {shared, few: true});
  const legend = legendOf(run, shared);
  let x = 4, y = run.height + 22;
  for (const {style, text} of legend) {
    const width = 26 + text.length * 13 * WORD;
    if (x + width > size.width) [x, y] = [4, y + 20];
    drawSample(pen, style, x, y - 11);
    pen.text(x + 22, y, text, {fill: 'ink', size: 13});
    x += width + 8;
  }
  if (run.measure.folded)
    pen.text(4, y += 20, 'Time goes step by step: each event is a step, however long it takes.',
      {fill: 'soft', size: 13});
  const names = [...new Set([...pen.used, 'paper'])].sort();
  const theme = side => `:root{${names.map(n => `--${n}:${colours[n][side]}`).join(';')}}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${y + 12}" role="img">\n` +
    `<title>${escaped(title)}</title>\n<style>\n${theme(0)}\n` +
    `@media (prefers-color-scheme:dark){${theme(1)}}\n` +
    'text{font-family:system-ui,"DejaVu Sans",sans-serif}\n</style>\n' +
    `<rect width="${size.width}" height="${y + 12}" fill="var(--paper)"/>\n` +
    pen.parts.join('\n') + '\n</svg>\n';
}

// A sign of the legend, 16 wide and 13 high.
function drawSample(pen, style, x, y) {
  if (style.arrow) pen.curve(x, y, x + 13, y + 12, {stroke: 'soft', width: 1.5}, 1);
  else if (style.kind === 'start') pen.box(x + 7, y, 3, 13, {fill: 'ink'});
  else if (style.kind) pen.box(x, y + 4, 16, 4, {fill: style.fill});
  else pen.box(x, y, 16, 13, style);
}

// What the signs in a run mean, in words.
function legendOf(run, shared) {
  const list = [];
  const parts = new Set(run.bars.map(b => b.part));
  for (const executor of run.executors.filter(e => !e.many).slice(0, 7))
    list.push({style: {fill: executor.colour, r: 3}, text: `a handler on ${executor.name}`});
  if (parts.has('work'))
    list.push({style: {fill: 'lane', stroke: 'ink', width: 2, dash: [5, 3]},
      text: 'the work of a run_on; its handler at home is full'});
  if (run.polls.length) list.push({style: {fill: 'sleep', kind: 'poll'}, text: 'asleep in the poll'});
  const waits = kind => run.executors.some(e => e.strand === kind && e.waits.length);
  if (waits(true)) list.push({style: {fill: 'wait', kind: 'wait'},
    text: `ready, waits in ${waits(false) ? 'the queue of its strand or context' : 'its strand’s queue'}`});
  else if (waits(false)) list.push({style: {fill: 'wait', kind: 'wait'}, text: 'ready, waits in the queue'});
  if (run.starts.length) {
    list.push({style: {fill: 'ink', kind: 'start'}, text: 'initiates an operation'});
    list.push({style: {arrow: true}, text: 'from there to its handler'});
  }
  if (run.rows.some(r => r.overlaps?.some(o => shared(o.name))))
    list.push({style: {fill: 'alarm', alpha: 0.5, stroke: 'alarm', width: 2, dash: [5, 3]},
      text: 'two at once, and no strand'});
  return list;
}
