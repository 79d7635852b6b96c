// Prints a page: node docs/print.mjs PAGE.html FILE.pdf
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const {chromium} = createRequire(process.cwd() + '/build/node/')('playwright-core');
const [page, file] = process.argv.slice(2);
const number = '<p style="font-size: 9px; width: 100%; text-align: center">' +
  '<span class="pageNumber"></span></p>';

const browser = await chromium.launch({executablePath: process.env.CHROMIUM});
const tab = await browser.newPage();
await tab.goto(pathToFileURL(page).href);
await tab.pdf({path: file, format: 'A4', printBackground: true, outline: true,
  tagged: true, displayHeaderFooter: true, headerTemplate: '<span></span>',
  footerTemplate: number,
  margin: {top: '20mm', bottom: '20mm', left: '20mm', right: '20mm'}});
await browser.close();
