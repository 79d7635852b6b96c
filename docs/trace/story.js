// The story's view of a moment: who is where at the Slushie Shack. The people
// and things are those of the slides, slides/pictures/cast.svg.

// Where the first, the second ... child is, for one child, for two ...
const SPOTS = [[], [330], [430, 150], [455, 285, 115]];
const GROUND = 470, SHOWN = 6; // the last child stands for all others

// What is true at a moment of a run.
function momentOf(run, time) {
  run.sorted ??= {
    starts: run.starts.map(s => s.at).sort((a, b) => a - b),
    firsts: [...run.ops.values()].filter(o => o.start && (o.ready.length || o.bars.length))
      .map(o => Math.min(o.ready[0]?.at ?? Infinity, o.bars[0]?.from ?? Infinity))
      .sort((a, b) => a - b),
    polls: new Map(run.threads.map(t => [t, t.polls.map(p => p.from)])),
  };
  const upTo = list => list.length && list[0] <= time ? indexBelow(list, time) + 1 : 0;
  const at = {time, pending: upTo(run.sorted.starts) - upTo(run.sorted.firsts)};
  at.waiting = new Map(run.executors.map(executor => {
    executor.begins ??= executor.waits.map(w => w.from);
    executor.ends ??= executor.waits.map(w => w.to).sort((a, b) => a - b);
    return [executor, upTo(executor.begins) - upTo(executor.ends)];
  }));
  at.doing = new Map(run.threads.map(thread => [thread, doing(run, thread, time)]));
  const started = upTo(run.sorted.starts);
  const last = started ? run.starts[started - 1] : null;
  const step = value => between(run.times, run.steps, value);
  at.order = last && step(time) - step(last.at) < 1.2 ? last : null;
  return at;
}

// A handler (the innermost), a poll, or nothing.
function doing(run, thread, time) {
  thread.begins ??= thread.bars.map(b => b.from);
  if (thread.bars.length && thread.begins[0] <= time)
    for (let i = indexBelow(thread.begins, time), tried = 0; i >= 0 && tried < 8; i--, tried++)
      if (time < thread.bars[i].to) return {bar: thread.bars[i]};
  const begins = run.sorted.polls.get(thread);
  const poll = begins.length && begins[0] <= time && thread.polls[indexBelow(begins, time)];
  return poll && time < poll.to ? {poll} : {};
}

function sceneOf(root, run, shared) {
  const butlers = run.threads.filter(t => t.butler).slice(0, SHOWN);
  const busiest = [...run.executors].sort((a, b) => b.bars.length - a.bars.length);
  const spots = busiest.slice(0, SPOTS.length - 1).sort((a, b) => a.place - b.place);
  const places = SPOTS[spots.length];
  const strands = run.executors.some(e => e.strand);
  const isJohnny = e => e.strand || (!strands && e.bars.some(b => shared(b.name)));
  const use = (name, x, y, more = '') => `<use href="#${name}" x="${x}" y="${y}" ${more}/>`;
  const label = (x, y, text, more) => `<text x="${x}" y="${y}" ${more}>${escaped(text)}</text>`;
  const name = 'class="mid name" paint-order="stroke"';
  const cups = (id, n) => `<g id="${id}">${'<g></g>'.repeat(n)}</g>`;
  const who = e => spots.length > 2 ? e.name : `${isJohnny(e) ? 'Johnny' : 'Susie'}: ${e.name}`;
  root.innerHTML = '<rect y="400" width="1160" height="140" rx="16" fill="var(--sand)"/>' +
    use('home', 0, 0) + use('owner', 668, 352) +
    `<g id="assistant-place">${use('assistant', 1082, 352)}</g>` + use('counter', 0, 0) +
    `<g id="blending">${use('blender', 800, 283)}</g>` + cups('making', 5) + cups('table', 6) +
    label(800, 168, '', 'class="mid" id="making-text"') +
    label(952, 222, '', 'class="mid" id="table-text"') +
    `<g id="ropes"></g>` +
    spots.map((e, i) =>
      `<g class="spot">${use('castle', places[i] - 4, GROUND - 30, 'opacity=".55"')}` +
      `<g class="calm">${use(isJohnny(e) ? 'johnny' : 'susie', places[i], GROUND)}</g>` +
      `<g class="freeze">${use('johnny-freeze', places[i], GROUND)}</g>` +
      label(places[i], GROUND + 52, who(e), name) + '</g>').join('') +
    `<g id="dad-place"><g>${use('dad', 0, 0)}${label(0, 24, 'Dad', name)}</g></g>` +
    butlers.map((t, i) => `<g class="butler"><g>${use(i % 2 ? 'jeeves' : 'butler', 0, 0)}` +
      '<g class="hold"></g>' + label(0, 22, t.name.split(', ')[0], name) +
      label(0, -160, 'z z z', 'class="mid sleep"') + '</g></g>').join('') +
    '<g id="bubbles"></g>';
  return {root, run, shared, butlers, spots, places,
    others: run.executors.length > spots.length};
}

function setCups(group, count, place) {
  const cups = group.children;
  for (let i = 0; i < cups.length; i++) {
    const html = i < count ? place(i) : '';
    if (cups[i].was !== html) cups[i].innerHTML = cups[i].was = html;
  }
}

// Text of a person, in a bubble above (x, y).
function bubble(x, y, text, alarm) {
  const width = Math.max(70, text.length * 13.5 + 26);
  const left = Math.min(Math.max(x - width / 2, 4), 1156 - width);
  return `<rect class="say${alarm ? ' alarm' : ''}" x="${left}" y="${y - 46}" ` +
    `width="${width}" height="38" rx="12"/>` +
    `<path class="say-tip" d="M${x - 7} ${y - 9}h14l-7 12z"/>` +
    `<text class="mid${alarm ? ' loud' : ''}" x="${left + width / 2}" y="${y - 20}">` +
    `${escaped(text)}</text>`;
}

function showMoment(scene, at) {
  const {root, run, spots, places, butlers} = scene;
  const $ = selector => root.querySelector(selector);
  const colour = e => `style="--slush:var(--${e.colour})"`;
  const spotOf = e => spots.includes(e) ? spots.indexOf(e) : spots.length - 1;
  const here = spots.map(() => []), bubbles = [], polling = [];
  let idle = 0;
  butlers.forEach((thread, i) => {
    const {bar, poll} = at.doing.get(thread);
    let x, y = 498;
    if (bar) {
      const spot = spotOf(bar.executor), side = here[spot].length % 2 ? -1 : 1;
      x = places[spot] + side * (70 + 44 * (here[spot].length >> 1));
      y = GROUND;
      here[spot].push({bar, x});
    } else if (poll) {
      x = 1096 - 112 * polling.length;
      polling.push(thread);
    } else x = 960 - 112 * idle++;
    const group = root.querySelectorAll('.butler')[i];
    group.style.transform = `translate(${x}px, ${y}px)`;
    group.classList.toggle('asleep', !!poll);
    const side = bar && (here[spotOf(bar.executor)].length % 2 ? -38 : 38);
    const hold = bar ? `<use href="#slush" x="${side}" y="-52" ${colour(bar.executor)}/>` : '';
    const place = group.querySelector('.hold');
    if (place.was !== hold) place.innerHTML = place.was = hold;
  });
  here.forEach((who, i) => {
    const frozen = who.length > 1 && !spots[i].strand &&
      who.some((a, j) => scene.shared(a.bar.name) &&
        who.some((b, k) => k > j && a.bar.name === b.bar.name));
    const group = root.querySelectorAll('.spot')[i];
    group.classList.toggle('frozen', frozen);
    if (scene.others && i === spots.length - 1)
      group.querySelector('.name').textContent = who.length ? who[0].bar.on : 'others';
    if (frozen) bubbles.push(bubble(places[i], GROUND - 112, 'Brrrrr!', true));
    else if (who.length) bubbles.push(bubble(places[i], GROUND - 165,
      who[0].bar.name + (who[0].bar.part ? `: ${who[0].bar.part}` : '')));
  });
  const {order} = at;
  const inHandler = order && at.doing.get(order.thread)?.bar;
  $('#dad-place').style.transform = order && !inHandler ? 'translate(556px, 452px)' :
    'translate(40px, 330px) scale(.8)';
  if (order)
    bubbles.push(bubble(inHandler ? places[spotOf(inHandler.executor)] + 40 : 556,
      inHandler ? GROUND - 212 : 294, `“${order.op.name}, please”`));
  $('#bubbles').innerHTML = bubbles.join('');
  $('#assistant-place').classList.toggle('away', !polling.length);
  $('#blending').classList.toggle('busy', at.pending > 0);
  setCups($('#making'), at.pending, i =>
    `<use href="#cup" transform="translate(${706 + 21 * (i % 4)} 283) scale(.62)"/>`);
  $('#making-text').textContent = at.pending ? `${at.pending} in the making` : '';
  const list = run.executors.filter(e => !e.strand)
    .flatMap(e => Array(Math.min(at.waiting.get(e), 6)).fill(e));
  const ready = run.executors.reduce((sum, e) => sum + (e.strand ? 0 : at.waiting.get(e)), 0);
  setCups($('#table'), list.length, i =>
    `<use href="#slush" transform="translate(${888 + 23 * i} 274) scale(.72)" ${colour(list[i])}/>`);
  $('#table-text').textContent = ready ? `${ready} on the table` : '';
  $('#ropes').innerHTML = run.executors.filter(e => e.strand && at.waiting.get(e) > 0).slice(0, 2)
    .map((e, i) => rope(e, at.waiting.get(e), 318 + 50 * i, colour(e))).join('');
  return caption(at, scene, here, polling);
}

// The cups that wait for a strand hang on its rope.
function rope(executor, count, y, colour) {
  const shown = Math.min(count, 8);
  return `<path class="rope" d="M850 ${y}Q980 ${y + 10} 1136 ${y}"/>` +
    Array.from({length: shown}, (_, i) =>
      `<use href="#slush" transform="translate(${872 + 24 * i} ${y + 36}) scale(.7)" ${colour}/>`).join('') +
    `<text class="end" x="842" y="${y + 24}">${escaped(executor.name)}’s rope: ${count}</text>`;
}

// The same in a sentence.
function caption(at, scene, here, polling) {
  const said = [];
  const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
  if (at.order)
    said.push((at.doing.get(at.order.thread)?.bar ? 'A handler' : at.order.thread.name) +
      ` orders ${at.order.op.name}`);
  for (const who of here)
    for (const {bar} of who) said.push(`${bar.thread.name} is with ${bar.on}, in ${bar.name}`);
  for (const thread of polling) said.push(`${thread.name} sleeps in the poll, as the Assistant`);
  if (at.pending) said.push(count(at.pending, 'operation is', 'operations are') + ' in the making');
  const waiting = [...at.waiting.values()].reduce((a, b) => a + b, 0);
  if (waiting) said.push(count(waiting, 'result waits', 'results wait'));
  return said.length ? said.join('; ') + '.' : 'Nothing happens.';
}
