// Pictures of runs, for the READMEs: node docs/trace/picture.mjs write|check NAME...
//
// Opens build/docs/trace/NN-name.html and has it draw its first run, the way
// that most seeds take. It goes to docs/pictures/run-NN.svg, or is compared
// with it.
import {createRequire} from 'node:module';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const {chromium} = createRequire(process.cwd() + '/build/node/')('playwright-core');
const [mode, ...names] = process.argv.slice(2);
const browser = await chromium.launch({executablePath: process.env.CHROMIUM});
const page = await browser.newPage();
let stale = 0;
mkdirSync('docs/pictures', {recursive: true});
for (const name of names) {
  const file = `docs/pictures/run-${name.split('-')[0]}.svg`;
  await page.goto(pathToFileURL(`build/docs/trace/${name}.html`).href);
  const picture = await page.evaluate(() =>
    pictureOf(runs[0].run, shared, colours, document.querySelector('h1').textContent));
  if (existsSync(file) && readFileSync(file, 'utf8') === picture) continue;
  if (mode === 'write') {
    writeFileSync(file, picture);
    console.log('rewritten: ' + file);
  } else {
    console.error(`${file}:1: stale: the run of ${name} looks otherwise; try \`make docs\``);
    stale = 1;
  }
}
await browser.close();
process.exit(stale);
