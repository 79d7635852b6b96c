// test_slides.mjs DECK.html...: are the slides fit to be shown?
//
// Each deck is opened without a network, in light and in dark colours, and each
// slide is looked at after its last step. It fails when something leaves the
// slide or its box, text lies on text, code is longer than 14 lines or wider
// than 72 columns (output: 80), contrast is below 4.5:1, a step changes nothing, notes lack
// minutes or a question, the minutes of parts and deck are not those of the
// notes, the page reports an error or asks for anything, or when the PDF has
// more or fewer pages than there are slides.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {execFileSync} from 'node:child_process';
import {readFileSync, mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const modules = path.resolve(process.env.NODE_MODULES || 'build/node/node_modules');
const {chromium} = createRequire(modules + '/')('playwright-core');
const executablePath = execFileSync(
  'sh', ['-c', 'command -v "$0"', process.env.CHROMIUM || 'chromium']).toString().trim();

let wrong = 0;
const complain = (where, what) => { wrong++; console.error(`${where}: ${what}`); };

// What is wrong with the slide that is shown, at its last step.
function inspect() {
  const slide = Reveal.getCurrentSlide();
  const found = [];
  const stage = slide.getBoundingClientRect();
  const short = text => `"${text.trim().replace(/\s+/g, ' ').slice(0, 40)}"`;
  const outside = (r, box, by = 1) => r.width > 0 && (r.left < box.left - by ||
    r.right > box.right + by || r.top < box.top - by || r.bottom > box.bottom + by);
  const drawn = element => element.checkVisibility({opacityProperty: true, visibilityProperty: true});

  // Text as it is drawn: a rectangle for each piece in a line.
  const texts = [];
  const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const owner = node.parentElement;
    if (!node.data.trim() || owner.closest('aside.notes') || !drawn(owner)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects())
      if (rect.width > 1 && rect.height > 1) texts.push({owner, rect, text: node.data});
  }
  const foot = slide.querySelector('footer').getBoundingClientRect();
  for (const {owner, rect, text} of texts) {
    const picture = owner.closest('svg');
    const box = owner.closest('pre') || (picture && owner.closest('figure') ? picture : slide);
    if (outside(rect, stage)) found.push(`${short(text)} leaves the slide`);
    else if (outside(rect, box.getBoundingClientRect())) found.push(`${short(text)} leaves its box`);
    if (!owner.closest('footer') && rect.bottom > foot.top)
      found.push(`${short(text)} runs into the footer`);
  }
  for (const figure of slide.querySelectorAll('figure svg, pre, table, .question, .answer')) {
    const rect = figure.getBoundingClientRect();
    if (outside(rect, stage) || rect.bottom > foot.top + 1) found.push(`a ${figure.className.baseVal ?? figure.className} ${figure.tagName} leaves the slide`);
  }
  const inPicture = texts.filter(t => t.owner.closest('figure svg'));
  inPicture.forEach((a, i) => inPicture.slice(i + 1).forEach(b => {
    const width = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
    const height = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
    if (width > 2 && height > 6) found.push(`${short(a.text)} lies on ${short(b.text)}`);
  }));

  for (const pre of slide.querySelectorAll('pre')) {
    const lines = pre.textContent.replace(/\n$/, '').split('\n');
    if (lines.length > 14) found.push(`code of ${lines.length} lines: ${short(lines[0])}`);
    const widest = Math.max(...lines.map(line => line.length));
    const room = pre.matches('.text') ? 80 : 72;
    if (widest > room) found.push(`code of ${widest} columns: ${short(lines.find(l => l.length > room))}`);
    if (pre.scrollWidth > pre.clientWidth + 1) found.push(`code is cut off: ${short(lines[0])}`);
  }

  // Contrast with what lies under the middle of the text.
  const rgb = color => (color.match(/[\d.]+/g) || []).map(Number);
  const solid = c => c.length >= 3 && (c.length < 4 || c[3] > .99);
  const luminance = c => [.2126, .7152, .0722].reduce((sum, weight, i) => {
    const v = c[i] / 255;
    return sum + weight * (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  }, 0);
  const shape = e => e.closest('svg') && e.tagName !== 'svg' && e.tagName !== 'FIGURE';
  for (const {owner, rect, text} of texts) {
    const style = getComputedStyle(owner);
    const front = rgb(shape(owner) ? style.fill : style.color);
    const under = document.elementsFromPoint(rect.left + rect.width / 2, rect.top + rect.height / 2)
      .filter(e => e.tagName !== 'text' && e.tagName !== 'tspan')
      .map(e => rgb(shape(e) && e.tagName !== 'use' ? getComputedStyle(e).fill : getComputedStyle(e).backgroundColor))
      .find(solid) || rgb(getComputedStyle(document.body).backgroundColor);
    const [a, b] = [luminance(front), luminance(under)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (!(ratio >= 4.5)) found.push(`contrast of ${short(text)} is ${ratio.toFixed(1)}:1`);
  }
  return found;
}

// Goes through the slide; a step of a code block has to light its lines alone.
function step() {
  const slide = Reveal.getCurrentSlide();
  const found = [];
  const look = () => slide.innerHTML.replace(/ (will-change|data-fragment)[^ >]*/g, '');
  while (Reveal.availableFragments().next) {
    const before = look();
    Reveal.nextFragment();
    if (look() === before) found.push('a step changes nothing');
    const current = slide.querySelector('.step.current-fragment');
    const block = current && current.closest('[data-line-numbers]');
    if (!block) continue;
    const lines = [...block.querySelectorAll('code > span')];
    const lit = lines.map((l, i) => l.classList.contains('quiet') ? 0 : i + 1).filter(Boolean);
    const asked = current.dataset.part.split(',').flatMap(range => {
      const [from, to = from] = range.split('-').map(Number);
      return Array.from({length: to - from + 1}, (_, i) => from + i);
    });
    if (lit.join() !== asked.join()) found.push(`step ${current.dataset.part} lights lines ${lit.join()}`);
  }
  return found;
}

function notes() {
  return Reveal.getSlides().map(slide => ({
    title: (slide.querySelector('h2') || {textContent: ''}).textContent,
    part: slide.dataset.part,
    text: [...slide.querySelectorAll('aside.notes')].map(n => n.innerText || n.textContent).join('\n').trim()
  }));
}

// The minutes that the notes state, against those of deck and parts.
function count(deck, slides, stated) {
  const parts = [];
  const titles = new Set();
  slides.forEach((slide, i) => {
    const where = `${deck} slide ${i + 1}`;
    const minutes = Number((slide.text.match(/^(\d+) minutes?\s/) || [])[1]);
    if (!slide.title.trim()) complain(where, 'it has no title');
    if (titles.has(slide.title)) complain(where, `its title is used twice: ${slide.title}`);
    titles.add(slide.title);
    if (!minutes) complain(where, 'its notes do not begin with minutes');
    if (!/^(Ask|Demo)\b/m.test(slide.text)) complain(where, 'its notes have neither Ask nor Demo');
    if (slide.part) parts.push([slide.part, 0]);
    if (!parts.length) complain(where, 'no part has begun');
    else parts[parts.length - 1][1] += minutes || 0;
  });
  const sum = parts.reduce((all, [, minutes]) => all + minutes, 0);
  if (sum !== stated) complain(deck, `the notes add up to ${sum} minutes, not ${stated}`);
  const source = readFileSync(path.join('slides', path.basename(deck, '.html') + '.md'), 'utf8');
  const table = [...source.matchAll(/^# \| (.+) \| (\d+) \|$/gm)].map(m => `${m[1]} ${m[2]}`);
  const real = parts.map(part => part.join(' '));
  if (table.join() !== real.join())
    complain(deck, `its parts are ${real.join(', ')}; its table says ${table.join(', ')}`);
  return sum;
}

async function open(browser, deck, options, query = '') {
  const context = await browser.newContext({viewport: {width: 1280, height: 720}, ...options});
  const page = await context.newPage();
  page.on('pageerror', error => complain(deck, `page error: ${error.message}`));
  page.on('console', line => line.type() === 'error' && complain(deck, `console: ${line.text()}`));
  page.on('request', request => /^(file|data|blob):/.test(request.url()) ||
    complain(deck, `asks for ${request.url()}`));
  await context.setOffline(true);
  await page.goto(pathToFileURL(path.resolve(deck)) + query);
  return page;
}

// The key T changes the colours, whatever the system has.
async function toggle(page, deck) {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.keyboard.press('t');
  if (await paper() === before) complain(deck, 'T changes nothing');
  await page.keyboard.press('t');
  if (await paper() !== before) complain(deck, 'T twice is not as before');
}

async function look(browser, deck, colorScheme) {
  const page = await open(browser, deck, {colorScheme});
  await page.waitForFunction(() => window.Reveal && Reveal.isReady());
  await page.addStyleTag({content: '* {transition: none !important}'});
  const total = await page.evaluate(() => Reveal.getTotalSlides());
  for (let i = 0; i < total; i++) {
    await page.evaluate(i => Reveal.slide(i, 0, -1), i);
    const found = [...await page.evaluate(step), ...await page.evaluate(inspect)];
    for (const what of found.slice(0, 5))
      complain(`${deck} slide ${i + 1} (${colorScheme})`, what);
  }
  return page;
}

// On paper a slide keeps its margin, and nothing is cut off.
function inspectPages() {
  return [...document.querySelectorAll('.pdf-page')].flatMap((page, i) => {
    const paper = page.getBoundingClientRect();
    return [...page.querySelectorAll('h2, p, li, pre, td, figure, footer')]
      .filter(e => !e.closest('aside') && e.getBoundingClientRect().width > 0)
      .filter(e => {
        const r = e.getBoundingClientRect();
        return r.left < paper.left + 40 || r.right > paper.right - 40 ||
          r.top < paper.top || r.bottom > paper.bottom;
      })
      .map(e => `page ${i + 1}: ${e.tagName} leaves the page`);
  });
}

async function print(browser, deck, total) {
  const page = await open(browser, deck, {colorScheme: 'light'}, '?print-pdf');
  await page.waitForSelector('html.reveal-print .pdf-page');
  for (const what of (await page.evaluate(inspectPages)).slice(0, 5)) complain(`${deck} in print`, what);
  const dir = mkdtempSync(path.join(os.tmpdir(), 'slides-'));
  const pdf = path.join(dir, 'deck.pdf');
  execFileSync(process.execPath, ['slides/print.mjs', deck, pdf]);
  const pages = (readFileSync(pdf, 'latin1').match(/\/Type\s*\/Page\b/g) || []).length;
  rmSync(dir, {recursive: true});
  if (pages !== total) complain(deck, `${total} slides make ${pages} pages of PDF`);
}

const browser = await chromium.launch({executablePath});
for (const deck of process.argv.slice(2)) {
  const page = await look(browser, deck, 'light');
  await toggle(page, deck);
  const slides = await page.evaluate(notes);
  const minutes = count(deck, slides, await page.evaluate(() => Number(document.body.dataset.minutes)));
  await look(browser, deck, 'dark');
  await print(browser, deck, slides.length);
  console.log(`${deck}: ${slides.length} slides, ${minutes} minutes`);
}
await browser.close();
process.exit(wrong ? 1 : 0);
