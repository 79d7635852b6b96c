// Tries the site: node docs/test_book.mjs DIRECTORY
//
// Every page, light and dark, on a phone and on a desk: no error, nothing from
// elsewhere, nothing wider than the page, contrast of at least 4.5, all links
// lead somewhere. Theme, search, and the pages without JavaScript; the PDF.
import {createRequire} from 'node:module';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const {chromium} = createRequire(process.cwd() + '/build/node/')('playwright-core');
const home = resolve(process.argv[2]);
const files = readdirSync(home).filter(f => f.endsWith('.html'));
const url = file => pathToFileURL(home + '/' + file).href;
let wrong = 0;
const complain = text => { console.error(text); wrong++; };

// In the page: texts that are hard to read, and what is too wide.
function look() {
  const numbers = color => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const seen = new Map();
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [numbers(getComputedStyle(e).color), behind(e)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) seen.set(e.tagName + '.' + e.className, contrast);
  }
  const faint = [...seen].map(([e, c]) => `${e} has a contrast of ${c.toFixed(1)}`);
  const wide = document.documentElement.scrollWidth - innerWidth;
  return faint.concat(wide > 0 ? [`it is ${wide} pixels too wide`] : []);
}

const browser = await chromium.launch({executablePath: process.env.CHROMIUM});
const page = await browser.newPage();
let at = '';
page.on('pageerror', error => complain(`${at}: ${error.message}`));
page.on('console', message => message.type() === 'error' &&
  complain(`${at}: ${message.text()}`));
page.on('request', request => request.url().startsWith('file:') ||
  request.url().startsWith('data:') ||
  complain(`${at}: it asks for ${request.url()}`));

for (at of files) {
  await page.goto(url(at));
  for (const colorScheme of ['light', 'dark'])
    for (const width of [360, 1280]) {
      await page.emulateMedia({colorScheme});
      await page.setViewportSize({width, height: 800});
      for (const fault of await page.evaluate(look))
        complain(`${at}, ${colorScheme}, ${width} pixels: ${fault}`);
    }
}

// Links: to a file that is there, and an id that it has.
const runs = existsSync(home + '/trace') ? readdirSync(home + '/trace').map(f => 'trace/' + f) : [];
const texts = Object.fromEntries(files.concat(runs).map(f => [f, readFileSync(home + '/' + f, 'utf8')]));
let links = 0;
for (const file of files)
  for (const [, target] of texts[file].matchAll(/<a [^>]*?href="([^"]*)"/g)) {
    if (/^[a-z]+:|^#cb/.test(target)) continue;
    const [to, id] = target.split('#');
    const there = texts[to || file];
    links++;
    if (there === undefined) complain(`${file}: dead link: ${target}`);
    else if (id && !there.includes(`id="${id}"`))
      complain(`${file}: dead anchor: ${target}`);
  }

// The button changes the theme, and search finds.
at = 'index.html';
await page.emulateMedia({colorScheme: 'light'});
await page.goto(url(at));
const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const before = await paper();
await page.click('#theme');
if (await paper() === before) complain(`${at}: the button does not change the theme`);
await page.fill('#search', 'brain freeze');
const hit = page.locator('#found a').first();
await hit.click().catch(() => complain(`${at}: search finds nothing`));
if (!(await page.locator('main').innerText()).includes('brain freeze'))
  complain(`${page.url()}: that is not what was searched for`);

const bare = await browser.newContext({javaScriptEnabled: false});
const plain = await bare.newPage();
await plain.goto(url('index.html'));
if (await plain.locator('#contents a').count() < 10 ||
  await plain.locator('#search').isVisible())
  complain('index.html: it needs JavaScript');
await browser.close();

const pdf = readFileSync(home + '/book.pdf', 'latin1');
const pages = pdf.match(/\/Type \/Page\b/g)?.length ?? 0;
if (pages < 50) complain(`book.pdf: only ${pages} pages`);
if (!wrong) console.log(`book: ${files.length} pages and ${links} links in ` +
  `both themes, ${pages} on paper`);
process.exit(wrong > 0 ? 1 : 0);
