// print.mjs DECK.html DECK.pdf: a page for each slide, in light colours.
import {resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {launch} from './browser.mjs';

const [deck, pdf] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage({colorScheme: 'light'});
await page.goto(pathToFileURL(resolve(deck)) + '?print-pdf');
await page.waitForSelector('html.reveal-print .pdf-page');
await page.pdf({path: pdf, preferCSSPageSize: true, printBackground: true});
await browser.close();
