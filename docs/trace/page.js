// The page: its runs, the switch between them, slider and play, details, theme.

const $ = id => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const darkness = matchMedia('(prefers-color-scheme: dark)');
const root = document.documentElement;
const shared = name => SHARED.split(' ').includes(name);

// ----------------------------------------------------------------- theme

// Pairs of colours, for light and dark, from this page's own style.
const colours = {};
for (const [, name, light, dark] of document.querySelector('style').textContent
  .matchAll(/--([\w-]+): light-dark\((.*?), (.*?)\)/g)) colours[name] = [light, dark];
const isDark = () => (root.style.colorScheme || (darkness.matches ? 'dark' : 'light')) === 'dark';
const colour = name => colours[name][isDark() ? 1 : 0];
function showTheme() {
  $('theme').textContent = isDark() ? 'Light' : 'Dark';
  lanes?.draw();
}

// ------------------------------------------------------------------ runs

const runs = [...document.querySelectorAll('script.run')].map(e =>
  ({label: e.dataset.label, run: readRun(e.textContent, +e.dataset.speed)}));
for (const {run} of runs) rowsOf(run);
let lanes = null, scene = null, run = null, folded = false, time = 0, timer = 0, turn = false;

function choose(index, foldIt) {
  run = runs[index].run;
  folded = foldIt ?? folded;
  lanes.selected = null;
  scene = sceneOf($('story'), run, shared);
  showLegend();
  showFold();
  setTime(0);
  showDetails();
  const radio = document.querySelectorAll('#runs input')[index];
  if (radio) radio.checked = true;
}

function showRuns() {
  if (runs.length < 2) return;
  $('runs').hidden = $('turn').hidden = false;
  runs.forEach(({label}, i) => {
    const one = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {type: 'radio', name: 'run'});
    input.onchange = () => {
      stop();
      choose(i);
    };
    one.append(input, ' ' + label);
    $('runs').append(one);
  });
}

function showFold() {
  $('fold').setAttribute('aria-pressed', folded);
  lanes.show(run, folded);
}

function showLegend() {
  $('legend').replaceChildren(...legendOf(run, shared).map(({style, text}) => {
    const item = document.createElement('li'), pen = svgPen();
    drawSample(pen, style, 2, 1);
    item.innerHTML = `<svg viewBox="0 0 20 15" aria-hidden="true">${pen.parts.join('')}</svg>` +
      escaped(text);
    return item;
  }));
}

// ------------------------------------------------------------ the moment

const folding = () => measureOf(run, true); // play: a step takes its time

function setTime(to, fromSlider) {
  time = Math.min(Math.max(to, 0), run.end);
  lanes.time = time;
  if (!fromSlider) $('time').value = 1000 * folding().u(time) / folding().all;
  $('now').textContent = sayMoment(time);
  $('time').setAttribute('aria-valuetext', sayMoment(time));
  const text = showMoment(scene, momentOf(run, time));
  if ($('caption').textContent !== text) $('caption').textContent = text;
  showPrinted();
  if (timer) lanes.reveal(run.measure.u(time));
  lanes.draw();
}

function showPrinted() {
  const {marks} = run;
  $('printed').hidden = !marks.length;
  let count = 0;
  while (count < marks.length && marks[count].at <= time) count++;
  const text = marks.slice(Math.max(0, count - 8), count)
    .map(m => `[${String(Math.round(m.at)).padStart(2)} s] ${m.text}`).join('\n');
  const pre = $('printed').querySelector('pre');
  if (pre.textContent !== text) pre.textContent = text || ' ';
}

// ------------------------------------------------------------------ play

const STEPS = 2.5; // a second; a long run is played in a minute

function stop() {
  cancelAnimationFrame(timer);
  clearTimeout(timer);
  timer = 0;
  turn = false;
  document.body.classList.add('paused');
  $('play').textContent = '▶ Play';
  $('play').setAttribute('aria-label', 'Play');
}

function play() {
  if (time >= run.end) setTime(0);
  document.body.classList.remove('paused');
  $('play').textContent = '❚❚ Pause';
  $('play').setAttribute('aria-label', 'Pause');
  if (calm.matches) hop();
  else timer = requestAnimationFrame(first => glide(first, folding().u(time)));
}

function glide(before, u) {
  timer = requestAnimationFrame(now => {
    const measure = folding(), rate = Math.max(STEPS, measure.all / 60);
    u += Math.min(now - before, 100) / 1000 * rate;
    setTime(measure.time(Math.min(u, measure.all)));
    if (u < measure.all) glide(now, u);
    else ended();
  });
}

// With reduced motion the moment goes from event to event.
function hop() {
  timer = setTimeout(() => {
    const next = Math.min(indexBelow(run.times, time) + Math.max(1, Math.floor(run.times.length / 100)),
      run.times.length - 1);
    setTime(run.times[next]);
    if (next < run.times.length - 1) hop();
    else ended();
  }, 700);
}

function ended() {
  const next = runs.findIndex(r => r.run === run) + 1, again = turn && next < runs.length;
  stop();
  if (!again) return;
  choose(next);
  turn = true;
  play();
}

// --------------------------------------------------------------- details

const ENDINGS = {0: 'no error', '-4095': 'end of file', '-125': 'canceled',
  '-110': 'timed out', '-104': 'reset by the peer',
  '-32': 'broken pipe', '-16': 'busy', '-111': 'refused', '-2': 'no such file or entry'};

function showDetails() {
  const bar = lanes.selected, box = $('details');
  box.replaceChildren();
  if (!bar) {
    box.innerHTML = '<p>Choose a handler, with a click or with the arrow keys, to see what it is.</p>';
    return;
  }
  const {op} = bar;
  const heading = document.createElement('h2');
  heading.textContent = bar.name + (bar.part === 'work' ? ', the work of a run_on' :
    bar.part === 'home' ? ', home from a run_on' : '');
  box.append(heading);
  const say = (...parts) => {
    const line = document.createElement('p');
    line.append(...parts);
    box.append(line);
  };
  say(`Ran on ${bar.thread.name}, in ${bar.on}, from ${sayMoment(bar.from)} to ` +
    `${sayMoment(bar.to)}: ${sayTime(bar.to - bar.from)}.`);
  const parent = run.ops.get(op.by);
  say(`Operation ${op.id}, started by `, ...(parent ? [link(parent)] :
    [op.start ? `${op.start.thread.name}, in no handler` : 'no handler']),
  op.start ? `, at ${sayMoment(op.start.at)}.` : '.');
  if (bar.ready) {
    const pending = op.start && bar.part !== 'home' ? bar.ready.at - op.start.at : 0;
    say(pending > 0 ? `Pending for ${sayTime(pending)}, then ready. ` : 'Ready. ',
      `Waited ${sayTime(bar.from - bar.ready.at)} in the queue of ${bar.on}.`);
  }
  if (bar.open) say('It had not returned when the trace ended.');
  else say(`Result: ${ENDINGS[bar.err] ?? 'error ' + bar.err}${bar.n ? `, n is ${bar.n}` : ''}.`);
  if (op.started.length)
    say('It started ', ...op.started.slice(0, 6).flatMap((o, i) => i ? [', ', link(o)] : [link(o)]),
      op.started.length > 6 ? ` and ${op.started.length - 6} more.` : '.');
}

function link(op) {
  const button = document.createElement('button');
  button.className = 'link';
  button.type = 'button';
  button.textContent = `${op.name} (${op.id})`;
  button.disabled = !op.bars.length;
  button.onclick = () => lanes.select(op.bars[0]);
  return button;
}

// ------------------------------------------------------------------ begin

lanes = lanesOf($('lanes'), $('canvas'), $('tip'), colour, (what, value) => {
  if (what === 'selected') showDetails();
  if (what === 'time') {
    stop();
    setTime(value);
  }
  if (what === 'play') $('play').click();
  if (what === 'fold') $('fold').click();
});
lanes.shared = shared;
$('play').onclick = () => timer ? stop() : play();
$('turn').onclick = () => {
  stop();
  choose(0);
  turn = true;
  play();
};
$('time').oninput = () => {
  stop();
  setTime(folding().time($('time').value / 1000 * folding().all), true);
};
$('fold').onclick = () => {
  folded = !folded;
  showFold();
};
$('in').onclick = () => lanes.zoom(1.5);
$('out').onclick = () => lanes.zoom(1 / 1.5);
$('whole').onclick = () => lanes.all();
$('theme').onclick = () => {
  root.style.colorScheme = isDark() ? 'light' : 'dark';
  showTheme();
};
darkness.addEventListener('change', showTheme);
showRuns();
stop();
choose(0, suggestFold(runs[0].run));
showTheme();
