// print.mjs DECK.html DECK.pdf: a page for each slide, in light colours.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {execFileSync} from 'node:child_process';
import path from 'node:path';

const modules = path.resolve(process.env.NODE_MODULES || 'build/node/node_modules');
const {chromium} = createRequire(modules + '/')('playwright-core');
const browser = await chromium.launch({
  executablePath: execFileSync('sh', ['-c', 'command -v "$0"', process.env.CHROMIUM || 'chromium'])
    .toString().trim()
});
const page = await browser.newPage({colorScheme: 'light'});
const [deck, pdf] = process.argv.slice(2);
await page.goto(pathToFileURL(path.resolve(deck)) + '?print-pdf');
await page.waitForSelector('html.reveal-print .pdf-page');
await page.pdf({path: pdf, preferCSSPageSize: true, printBackground: true});
await browser.close();
