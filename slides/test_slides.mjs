// test_slides.mjs DECK.html...: are the slides fit to be shown?
//
// Each deck is opened without a network, in light and in dark colours, and each
// slide is looked at after its last step. It fails when something leaves the
// slide or its box, text lies on text, code has more than 14 lines or 72
// columns, contrast is below 4.5:1, a step does not do what it says, notes lack
// minutes or something to ask or show, the minutes of parts and deck are not
// those of the notes, the speaker's view does not show the pace, the overview has
// other parts, a phone shows no legible page, the page reports an error or asks
// for anything, a printed page cuts something off, or there are not as many pages
// as slides.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {launch} from './browser.mjs';
import {inspectPages, inspectSlide, readNotes, takeSteps} from './inspect.mjs';

const MOST = 5; /* complaints about one slide */
let wrong = 0;

function complain(where, ...what) {
  what.slice(0, MOST).forEach(text => console.error(`${where}: ${text}`));
  wrong += what.length;
}

const browser = await launch();

const DESK = {width: 1280, height: 720};

async function open(deck, colorScheme, query = '', viewport = DESK) {
  const context = await browser.newContext({viewport, colorScheme});
  const page = await context.newPage();
  page.on('pageerror', error => complain(deck, `error: ${error.message}`));
  page.on('console', line => line.type() === 'error' &&
    complain(deck, `error: ${line.text()}`));
  page.on('request', request => /^(file|data|blob):/.test(request.url()) ||
    complain(deck, `it asks for ${request.url()}`));
  await context.setOffline(true);
  await page.goto(pathToFileURL(resolve(deck)) + query);
  if (viewport === DESK)
    await page.waitForFunction(() => window.Reveal && Reveal.isReady());
  return page;
}

async function show(deck, colorScheme) {
  const page = await open(deck, colorScheme);
  await page.addStyleTag({content: '* {transition: none !important}'});
  const total = await page.evaluate(() => Reveal.getTotalSlides());
  for (let i = 0; i < total; i++) {
    await page.evaluate(i => {
      const {h, v} = Reveal.getIndices(Reveal.getSlides()[i]);
      Reveal.slide(h, v, -1);
    }, i);
    complain(`${deck} slide ${i + 1} (${colorScheme})`,
      ...await page.evaluate(takeSteps), ...await page.evaluate(inspectSlide));
  }
  return page;
}

// The key T changes the colours, whatever the system has.
async function toggle(page, deck) {
  const paper = () => page.evaluate(() =>
    getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.keyboard.press('t');
  if (await paper() === before) complain(deck, 'T changes nothing');
  await page.keyboard.press('t');
  if (await paper() !== before) complain(deck, 'T twice is not as before');
}

// The speaker's view shows how far one is ahead or behind, by these minutes.
async function speak(page, deck, minutes) {
  const opened = page.waitForEvent('popup');
  await page.keyboard.press('s');
  const view = await opened;
  const shown = await view.waitForSelector('.pacing', {timeout: 10000})
    .catch(() => null);
  if (!shown) complain(deck, 'the speaker\'s view shows no pace');
  const next = view.frames().find(frame => /controls=false/.test(frame.url()));
  if (!await next?.waitForFunction(() => window.Reveal && Reveal.isReady(),
    null, {timeout: 10000}).catch(() => null))
    complain(deck, 'the speaker\'s view does not show what comes next');
  const {totalTime, defaultTiming} =
    await page.evaluate(() => Reveal.getConfig());
  if (totalTime !== 60 * minutes || !defaultTiming)
    complain(deck, `the pace is that of ${totalTime} s, not ${60 * minutes} s`);
  await view.close();
}

// Esc shows the parts as columns, each under its name.
async function overview(page, deck, slides) {
  const names = await page.evaluate(() => {
    Reveal.toggleOverview(true);
    const columns = [...document.querySelectorAll('.slides > section.stack')];
    const found = columns.map(column => column.querySelector('section'))
      .map(slide => getComputedStyle(slide, '::before'))
      .map(({content, display}) => display === 'none' ? '-' : content.slice(1, -1));
    Reveal.toggleOverview(false);
    return found.join();
  });
  const parts = slides.map(slide => slide.part).filter(Boolean).join();
  if (names !== parts)
    complain(deck, `the overview has the parts ${names}, not ${parts}`);
}

// On a phone the deck is a page with notes that fits the screen and is legible.
async function hold(deck) {
  const page = await open(deck, 'light', '', {width: 390, height: 844});
  const {wide, small, notes} = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    small: [...document.querySelectorAll('pre, p, li, td')].filter(e =>
      parseFloat(getComputedStyle(e).fontSize) < 13).length,
    notes: [...document.querySelectorAll('aside.notes')]
      .filter(e => e.getBoundingClientRect().height > 20).length}));
  if (wide > 390) complain(deck, `on a phone it is ${wide} pixels wide`);
  if (small) complain(deck, `on a phone ${small} texts are too small`);
  if (!notes) complain(deck, 'on a phone there are no notes');
  await page.close();
}

function checkNotes(deck, slides) {
  const titles = new Set();
  slides.forEach(({title, notes, part}, i) => {
    const where = `${deck} slide ${i + 1}`;
    if (!title) complain(where, 'it has no title');
    if (titles.has(title)) complain(where, `its title is used twice: ${title}`);
    titles.add(title);
    if (!/^[1-9]\d* minutes?$/m.test(notes.split('\n')[0]))
      complain(where, 'its notes do not begin with minutes');
    if (!/^(Ask|Demo)\b/m.test(notes))
      complain(where, 'its notes have neither Ask nor Demo');
    if (i === 0 && !part) complain(where, 'it begins no part');
  });
}

// The minutes of the notes, against those that the deck states at its top.
function count(deck, slides, stated) {
  const parts = [];
  let sum = 0;
  for (const {part, notes} of slides) {
    const minutes = parseInt(notes, 10) || 0;
    if (part) parts.push({part, minutes: 0});
    if (parts.length) parts[parts.length - 1].minutes += minutes;
    sum += minutes;
  }
  if (sum !== stated)
    complain(deck, `its notes add up to ${sum} minutes, and not ${stated}`);
  const source = readFileSync(`slides/${basename(deck, '.html')}.md`, 'utf8');
  const said = [...source.matchAll(/^# \| (.+) \| (\d+) \|$/gm)]
    .map(([, part, minutes]) => `${part} ${minutes}`).join(', ');
  const real = parts.map(p => `${p.part} ${p.minutes}`).join(', ');
  if (said !== real)
    complain(deck, `its parts are ${real}; its table says ${said}`);
  return sum;
}

async function print(deck, total) {
  const page = await open(deck, 'light', '?print-pdf');
  await page.waitForSelector('html.reveal-print .pdf-page');
  complain(`${deck} in print`, ...await page.evaluate(inspectPages));
  const dir = mkdtempSync(join(tmpdir(), 'slides-'));
  execFileSync(process.execPath,
    ['slides/print.mjs', deck, join(dir, 'deck.pdf')]);
  const pdf = readFileSync(join(dir, 'deck.pdf'), 'latin1');
  rmSync(dir, {recursive: true});
  const pages = (pdf.match(/\/Type\s*\/Page\b/g) ?? []).length;
  if (pages !== total)
    complain(deck, `${total} slides make ${pages} pages of PDF`);
}

for (const deck of process.argv.slice(2)) {
  const page = await show(deck, 'light');
  await toggle(page, deck);
  const slides = await page.evaluate(readNotes);
  const stated = await page.evaluate(() => document.body.dataset.minutes);
  checkNotes(deck, slides);
  const minutes = count(deck, slides, Number(stated));
  await speak(page, deck, minutes);
  await overview(page, deck, slides);
  await hold(deck);
  await show(deck, 'dark');
  await print(deck, slides.length);
  console.log(`${deck}: ${slides.length} slides, ${minutes} minutes`);
}
await browser.close();
process.exit(wrong ? 1 : 0);
