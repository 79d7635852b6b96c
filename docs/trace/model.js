// What a trace says: readRun turns the lines of compact.awk into threads,
// operations and bars. Times are lesson seconds.

const ALONE = 0.01, SHORT = 0.3; // seconds; see foldTimes

function readRun(lines, speed) {
  const texts = [], threads = new Map(), ops = new Map(), begun = new Map();
  const run = {threads: [], executors: [], ops, bars: [], polls: [], starts: [],
    marks: [], end: 0};
  let now = 0, last = 0;
  const seconds = ns => ns * speed / 1e9;
  const thread = id => {
    if (!threads.has(id)) threads.set(id, {id: +id, names: [], bars: [], polls: []});
    return threads.get(id);
  };
  const op = (id, name) => {
    if (!ops.has(+id))
      ops.set(+id, {id: +id, name, start: null, ready: [], bars: [], started: []});
    return ops.get(+id);
  };
  const span = (words, at) => ({thread: thread(words[1]), from: seconds(at),
    to: seconds(at + +words[3])});
  const kinds = {
    M: words => thread(words[1]).names.push(texts[words[2]]),
    s(words, at) {
      last = +(words[4] ?? last + 1);
      const one = op(last, texts[words[3]]);
      one.start = {op: one, thread: thread(words[1]), at: seconds(at)};
      run.starts.push(one.start);
    },
    r: (words, at) => op(last - words[2]).ready.push(
      {at: seconds(at), on: texts[words[3]], part: texts[words[4]] ?? '', bar: null}),
    h(words, at) {
      const one = op(last - words[5], texts[words[4]]);
      const bar = {...span(words, at), op: one, name: texts[words[4]],
        by: +words[6] && one.id - words[6], on: texts[words[7]], n: +(words[8] ?? 0), err: +(words[9] ?? 0),
        part: texts[words[10]] ?? ''};
      one.name ??= bar.name;
      one.by = bar.by;
      one.bars.push(bar);
      bar.thread.bars.push(bar);
      run.bars.push(bar);
    },
    p(words, at) {
      const poll = span(words, at);
      poll.thread.polls.push(poll);
      run.polls.push(poll);
    },
    i: (words, at) => run.marks.push(
      {thread: thread(words[1]), at: seconds(at), text: texts[words[3]]}),
    f: (words, at) => begun.set(words[3], {thread: thread(words[1]), from: seconds(at)}),
  };
  for (const line of lines.split('\n')) {
    if (line.startsWith('n ')) {
      texts.push(JSON.parse(`"${line.slice(2)}"`));
      continue;
    }
    const words = line.split(' ');
    if (!kinds[words[0]]) continue;
    if (words[0] !== 'M') now += +words[words[0] === 'r' ? 1 : 2];
    kinds[words[0]](words, now);
  }
  for (const [id, span] of begun)
    if (op(id).ready.length) addUnfinished(run, op(id), span);
  finish(run, threads);
  return run;
}

// A handler that had not returned when the trace ended.
function addUnfinished(run, op, span) {
  const {on, part} = op.ready[op.ready.length - 1];
  const bar = {...span, to: null, op, name: op.name, by: 0, on, part, err: 0, n: 0, open: true};
  op.bars.push(bar);
  bar.thread.bars.push(bar);
  run.bars.push(bar);
}

function finish(run, threads) {
  const byTime = (a, b) => a.from - b.from;
  run.bars.sort(byTime);
  for (const mark of run.marks) run.end = Math.max(run.end, mark.at);
  for (const bar of run.bars.concat(run.polls)) run.end = Math.max(run.end, bar.to ?? bar.from);
  for (const start of run.starts) run.end = Math.max(run.end, start.at);
  run.end ||= 1;
  for (const bar of run.bars) bar.to ??= run.end;
  const used = new Map();
  run.threads = [...threads.values()].sort((a, b) => a.id - b.id);
  for (const thread of run.threads) {
    thread.bars.sort(byTime);
    const names = [...new Set(thread.names)];
    const name = names.join(', ') || 'a thread';
    used.set(name, (used.get(name) ?? 0) + 1);
    thread.name = used.get(name) > 1 ? `${name} (${used.get(name)})` : name;
    thread.short = names[names.length - 1] ?? thread.name;
    thread.butler = names.some(n => n.startsWith('butler'));
  }
  // A handler waited since its operation became ready for the same place.
  for (const op of run.ops.values()) {
    op.bars.sort(byTime);
    op.by ??= 0;
    for (const bar of op.bars) {
      bar.ready = op.ready.find(r => !r.bar && r.on === bar.on && r.at <= bar.from);
      if (bar.ready) bar.ready.bar = bar;
    }
    run.ops.get(op.by)?.started.push(op);
  }
  gatherExecutors(run);
  foldTimes(run);
}

// Where handlers run: a row for each strand and each context, the ones with
// most handlers if there are many.
function gatherExecutors(run) {
  const found = new Map();
  const get = name => found.get(name) ??
    found.set(name, {name, bars: [], waits: []}).get(name);
  for (const bar of run.bars) get(bar.on).bars.push(bar);
  for (const op of run.ops.values())
    for (const {at, on, bar} of op.ready)
      get(on).waits.push({from: at, to: bar?.from ?? run.end, op});
  for (const executor of found.values()) executor.waits.sort((a, b) => a.from - b.from);
  const number = name => +name.split(' ')[1];
  const strand = name => name.startsWith('strand');
  const order = (a, b) => strand(b.name) - strand(a.name) || number(a.name) - number(b.name);
  let list = [...found.values()].sort(order);
  if (list.length > 13) {
    const most = [...list].sort((a, b) => b.bars.length - a.bars.length).slice(0, 12);
    const rest = list.filter(e => !most.includes(e));
    list = most.sort(order).concat({name: `${rest.length} others`, many: true,
      bars: rest.flatMap(e => e.bars).sort((a, b) => a.from - b.from),
      waits: rest.flatMap(e => e.waits).sort((a, b) => a.from - b.from)});
  }
  list.forEach((executor, i) => {
    executor.colour = executor.many ? 'soft' : strand(executor.name) ?
      `strand${(number(executor.name) - 1) % 6}` : 'context';
    executor.strand = (executor.many ? executor.bars : [executor]).every(b => strand(b.on ?? b.name));
    executor.place = i;
    for (const bar of executor.bars) bar.executor = executor;
  });
  run.executors = list;
}

// Where two handlers of one function overlap that no strand keeps apart.
function overlaps(executor) {
  const found = [];
  if (executor.strand || executor.many) return found;
  const open = new Map();
  for (const bar of executor.bars) {
    const last = open.get(bar.name);
    if (last && bar.from < last.to) {
      const to = Math.min(bar.to, last.to);
      const before = found[found.length - 1];
      if (before && bar.from <= before.to) before.to = Math.max(before.to, to);
      else found.push({name: bar.name, from: bar.from, to});
    }
    if (!last || bar.to > last.to) open.set(bar.name, bar);
  }
  return found;
}

// Two measures of time. To scale, u is the time. Step by step, each thing that
// happens is a step, and a pause is three or five, however long it is.
function foldTimes(run) {
  const times = [0, run.end];
  for (const start of run.starts) times.push(start.at);
  for (const bar of run.bars) times.push(bar.from, bar.to, bar.ready?.at ?? bar.from);
  run.times = Float64Array.from(new Set(times)).sort();
  run.steps = new Float64Array(run.times.length);
  const wide = new Map(); // a handler has room for its name, if there are few
  for (const bar of run.bars)
    wide.set(indexBelow(run.times, bar.from) + 1, run.bars.length > 24 ? 3 : Math.max(3, bar.name.length));
  for (let i = 1; i < run.times.length; i++) {
    const gap = run.times[i] - run.times[i - 1];
    run.steps[i] = run.steps[i - 1] + Math.max(gap >= SHORT ? 5 : gap >= ALONE ? 3 : 1, wide.get(i) ?? 1);
  }
}

// The place of `value` in an ascending list: the last index that is not above.
function indexBelow(list, value) {
  let low = 0, high = list.length - 1;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if (list[mid] <= value) low = mid;
    else high = mid - 1;
  }
  return low;
}

function between(from, to, value) {
  const i = Math.min(indexBelow(from, value), from.length - 2);
  if (i < 0) return to[0];
  return to[i] + (to[i + 1] - to[i]) * (value - from[i]) / (from[i + 1] - from[i]);
}

// A measure of a run: from time to u and back, and all that u can be.
function measureOf(run, folded) {
  return folded ? {folded, all: run.steps[run.steps.length - 1],
    u: time => between(run.times, run.steps, time),
    time: u => between(run.steps, run.times, u)} :
    {folded, all: run.end, u: time => time, time: u => u};
}

// To scale is truer, as long as something can be seen of it.
function suggestFold(run) {
  const shown = run.bars.filter(bar => bar.to - bar.from > run.end / 400).length;
  return run.end < ALONE * 10 || run.bars.length > 4 && shown < run.bars.length / 3;
}

const UNITS = [[1, 's', 1], [1e-3, 'ms', 1e3], [0, 'µs', 1e6]];
function sayTime(time, precision = 3) {
  const [, unit, factor] = UNITS.find(([least]) => Math.abs(time) >= least) ?? UNITS[2];
  if (time === 0) return '0\u00a0s';
  return `${+(time * factor).toPrecision(precision)}\u00a0${unit}`;
}

// A moment of a run: always in seconds, as lesson_say prints it.
function sayMoment(time) {
  return `${time < 0.01 ? +time.toFixed(6) : time < 1 ? +time.toFixed(4) : +time.toFixed(3)}\u00a0s`;
}
