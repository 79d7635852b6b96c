// Tries pages of runs: node docs/trace/test_page.mjs DIRECTORY
//
// Lessons 3 and 5 from the directory, with the traces beside them, and two made
// here: one of 3 events, and one of 100,000. What a page shows is compared with
// what the JSON says, which is read here another way.
import {execFileSync} from 'node:child_process';
import {createRequire} from 'node:module';
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const {chromium} = createRequire(process.cwd() + '/build/node/')('playwright-core');
const home = resolve(process.argv[2]), made = resolve('build/book/trace');
mkdirSync(made, {recursive: true});
let wrong = 0, checks = 0, at = '';
function check(holds, text) {
  checks++;
  if (holds) return;
  console.error(`${at}: ${text}`);
  wrong++;
}
const same = (a, b, what) => check(JSON.stringify(a) === JSON.stringify(b),
  `${what}: ${JSON.stringify(a)}, and the trace has ${JSON.stringify(b)}`);

// ------------------------------------------------------------ the traces

const event = (ph, tid, ts, name, more) => ({ph, pid: 1, tid, ts, name, ...more});
const handler = (tid, ts, dur, op, on) => event('X', tid, ts, 'on_read',
  {cat: 'handler', dur, args: {op, by: 0, on, err: 0, n: 0}});
const named = (tid, name) => ({ph: 'M', pid: 1, tid, ts: 0, name: 'thread_name', args: {name}});

function three() {
  return [named(1, 'butler 1'), event('s', 1, 10, 'on_read', {cat: 'flow', id: 1}),
    event('f', 1, 5e6, 'on_read', {cat: 'flow', id: 1}), handler(1, 5e6, 20, 1, 'context 1')];
}

// Four butlers and 20 strands; a handler at a time on each butler.
function many() {
  const list = [1, 2, 3, 4].map(tid => named(tid, `butler ${tid}`));
  for (let op = 1; op <= 25000; op++) {
    const tid = op % 4 + 1, ts = op * 10, on = `strand ${op % 20 + 1}`;
    list.push(event('s', tid, ts - 8, 'on_read', {cat: 'flow', id: op}),
      event('i', tid, ts - 5, 'on_read', {s: 't', cat: 'ready', args: {op, on}}),
      event('f', tid, ts, 'on_read', {cat: 'flow', id: op}), handler(tid, ts, 30, op, on));
  }
  return list;
}

function make(name, events) {
  const json = `${made}/${name}.json`, file = `${made}/${name}.html`;
  const text = '[\n' + events.map(e => JSON.stringify(e)).join(',\n') + '\n]\n';
  writeFileSync(json, text.replace(/"ts":(\d+)/g, '"ts":$1.000').replace(/"dur":(\d+)/g, '"dur":$1.000'));
  writeFileSync(file, execFileSync('sh', ['docs/trace/page.sh', name, '', 'this run', '1', json],
    {maxBuffer: 1 << 27}));
  return {file, json};
}

// What the JSON says, counted without any code of the page.
function read(file) {
  const events = JSON.parse(readFileSync(file, 'utf8'));
  const bars = events.filter(e => e.ph === 'X' && e.cat === 'handler');
  const ready = events.filter(e => e.cat === 'ready');
  const meet = (a, b) => a.ts < b.ts + b.dur && b.ts < a.ts + a.dur;
  const places = [...new Set(bars.concat(ready).map(e => e.args.on))];
  const threads = new Set(events.filter(e => e.tid).map(e => e.tid));
  const overlaps = bars.length > 100 ? null : bars.flatMap((a, i) => bars.slice(i + 1)
    .filter(b => a.args.on === b.args.on && meet(a, b))).length;
  return {bars: bars.length, lanes: threads.size + places.length, overlaps,
    starts: events.filter(e => e.ph === 's').length,
    first: bars.reduce((a, b) => a && a.ts <= b.ts ? a : b, null)};
}

// ------------------------------------------------------------- the pages

const browser = await chromium.launch({executablePath: process.env.CHROMIUM});
const page = await browser.newPage({viewport: {width: 1280, height: 900}});
page.on('pageerror', error => check(false, error.message));
page.on('console', message => message.type() === 'error' && check(false, message.text()));
page.on('request', request => check(request.url().startsWith('file:'), `it asks for ${request.url()}`));
const open = async file => {
  at = file.replace(process.cwd() + '/', '');
  await page.goto(pathToFileURL(file).href);
};
const frame = () => page.evaluate(() => new Promise(done => requestAnimationFrame(() =>
  requestAnimationFrame(done))));
const settle = async time => {
  await page.evaluate(t => setTime(t), time);
  await frame();
};
const now = () => page.evaluate(() => time);

// In the page: what its picture shows, by the rectangles in it.
function look() {
  const box = document.createElement('div');
  box.innerHTML = pictureOf(run, shared, colours, 'test');
  const rects = kind => [...box.querySelectorAll(`rect.${kind}`)].map(r =>
    ['x', 'y', 'width'].map(name => +r.getAttribute(name)));
  const again = rects('again'), lanes = rects('lane').map(([, y]) => y);
  const lane = y => lanes.findLast(top => top <= y);
  const meet = ([x, y, w], [x2, y2, w2]) => lane(y) === lane(y2) && y !== y2 && x < x2 + w2 && x2 < x + w;
  rowsOf(run);
  lanes.length && showFold();
  return {bars: rects('bar').length, again: again.length, lanes: lanes.length, starts: rects('start').length,
    overlaps: again.flatMap((a, i) => again.slice(i + 1).filter(b => meet(a, b))).length};
}

async function compare(json) {
  const truth = read(json);
  const {again, ...seen} = await page.evaluate(look);
  same(again, truth.bars, 'bars by executor');
  const {first, ...rest} = truth;
  same([seen.bars, seen.lanes, seen.overlaps], [rest.bars, rest.lanes, rest.overlaps], 'bars, lanes, overlaps');
  same(await page.evaluate(() => run.starts.length), rest.starts, 'initiations');
  return first;
}

async function keys(first) {
  await page.focus('#lanes');
  await page.keyboard.press('ArrowRight');
  const text = await page.locator('#details').innerText();
  check(text.includes(`Operation ${first.args.op}, started by`), `→ shows another handler: ${text}`);
  await page.keyboard.press('Enter');
  check(Math.abs(await now() - first.ts / 1e6) < 1e-5, `Enter leads to ${await now()} s`);
  const span = () => page.evaluate(() => lanes.view.u1 - lanes.view.u0);
  const before = await span();
  await page.keyboard.press('+');
  check(await span() < before, '+ does not zoom in');
  await page.keyboard.press('PageDown');
  await page.keyboard.press('0');
  check(Math.abs(await span() - before) < before / 1e6, '0 does not show all');
  await page.keyboard.press('Escape');
  check(await page.evaluate(() => lanes.selected === null), 'Escape keeps the selection');
  await page.keyboard.press(' ');
  await page.waitForTimeout(250);
  await page.keyboard.press(' ');
  const then = await now();
  check(then > first.ts / 1e6, 'Space does not play');
  await page.waitForTimeout(60);
  check(await now() === then, 'Space does not pause');
}

// A bar is painted in its colour, in both themes, on a desk and on a phone.
async function looks() {
  const seen = new Set();
  for (const colorScheme of ['light', 'dark'])
    for (const width of [360, 1280]) {
      await page.emulateMedia({colorScheme});
      await page.setViewportSize({width, height: 900});
      await page.evaluate(() => lanes.all());
      await frame();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      check(wide <= 0, `${wide} pixels too wide at ${width}`);
      seen.add(await page.evaluate(() => {
        const bar = run.bars[0], row = run.rows.find(r => r.thread === bar.thread);
        const x = Math.min(lanes.xOf(bar.u0) + 1.5, $('canvas').clientWidth - 2);
        return [...$('canvas').getContext('2d').getImageData(x, row.y + 20, 1, 1).data].join();
      }));
    }
  check(seen.size >= 2, `a bar looks the same in both themes: ${[...seen]}`);
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.click('#theme');
  check(await paper() !== before, 'the button does not change the theme');
}

// ------------------------------------------------------------------ tests

const trace = name => {
  const file = readdirSync(home).find(f => f.startsWith(`${name}-1`) && f.endsWith('.json'));
  return `${home}/${file}`;
};

await open(`${home}/03-two-butlers.html`);
const first = await compare(trace('03-two-butlers'));
await keys(first);
const ways = await page.locator('#runs input').count();
same(ways, readdirSync(home).filter(f => /^03-two-butlers-\d+\.json$/.test(f)).length, 'ways');
check(ways >= 3, `only ${ways} ways`);
await settle(6.5);
check(await page.locator('#story .frozen').count() === 1, 'Johnny has no brain freeze');
check(await page.evaluate(() => run.rows.some(r => r.overlaps?.length)), 'two at once is not shown');
await page.click('#turn');
await page.evaluate(() => setTime(run.end));
await page.evaluate(() => { stop(); turn = true; ended(); });
check(await page.locator('#runs input').nth(1).isChecked(), 'the ways do not follow each other');
await page.evaluate(() => stop());
await looks();

await open(`${home}/05-strand.html`);
await compare(trace('05-strand'));
for (const time of await page.evaluate(() => [...run.times])) {
  await page.evaluate(t => setTime(t), time);
  check(await page.locator('#story .frozen').count() === 0, `brain freeze on a strand at ${time}`);
}
await settle(6.5);
check((await page.locator('#ropes').textContent()).includes('rope: 1'), 'no cup is on the rope');
check(await page.locator('#story .asleep').count() === 1, 'no butler minds the table');
await page.emulateMedia({reducedMotion: 'reduce'});
await settle(0);
await page.click('#play');
await page.waitForTimeout(800);
check(await page.evaluate(() => time > 0 && run.times.includes(time)), 'with reduced motion it glides');
await page.emulateMedia({reducedMotion: 'no-preference'});

for (const name of readdirSync(home).filter(f => f.endsWith('.html'))) {
  at = name;
  const size = readFileSync(`${home}/${name}`).length;
  check(size < 200000, `it has ${size} bytes`);
}

const small = make('three', three());
await open(small.file);
await keys(await compare(small.json));
await looks();

const big = make('many', many());
await open(big.file);
const truth = read(big.json);
same(await page.evaluate(() => run.bars.length), truth.bars, 'handlers');
const boxes = await page.evaluate(() => {
  let count = 0;
  const none = () => {};
  draw({box: () => count++, curve: none, line: none, text: none}, run, lanes.view,
    {width: 1200, gutter: 90}, lanes);
  return count / 1200 / run.rows.length;
});
check(boxes < 1, `it paints ${boxes} boxes for each pixel of a row`);
const slow = await page.evaluate(() => {
  const begin = performance.now();
  for (let i = 0; i < 5; i++)
    draw(canvasPen($('canvas').getContext('2d'), colour), run, lanes.view, {width: 1200, gutter: 90}, lanes);
  return (performance.now() - begin) / 5;
});
await keys(truth.first);
await page.evaluate(() => {
  const bar = run.bars[12345];
  lanes.zoom(1000, bar.u0);
  lanes.select(bar);
});
await frame();
check(await page.evaluate(() => lanes.drawn.few && lanes.drawn.bars.includes(run.bars[12345])),
  'it does not zoom to one handler');
await looks();
await browser.close();
if (!wrong) console.log(`pages of runs: ${checks} checks; a picture of 25,000 handlers takes ${slow.toFixed(0)} ms`);
process.exit(wrong > 0 ? 1 : 0);
