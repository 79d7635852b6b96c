// serve.mjs DIRECTORY [PORT]: its decks at http://127.0.0.1:PORT, with a list
// of them at the root. For this machine alone.
import {createServer} from 'node:http';
import {readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';

const [directory, port = '8000'] = process.argv.slice(2);
const types = {html: 'text/html; charset=utf-8', pdf: 'application/pdf'};
const kind = name => types[name.split('.').pop()];
const decks = () => readdirSync(directory).filter(kind).sort();
const title = name => name.endsWith('.pdf') ? `${name}, to be printed` :
  readFileSync(join(directory, name), 'utf8').match(/<title>([^]*?)<\/title>/)[1];
const list = () => '<!DOCTYPE html><html lang="en"><meta charset="utf-8">' +
  '<meta name="viewport" content="width=device-width, initial-scale=1">' +
  '<meta name="color-scheme" content="light dark"><title>Decks</title>' +
  '<body style="font: 20px/1.5 system-ui, sans-serif; margin: 2em">' +
  '<h1>Asynchronous I/O in C</h1>' +
  decks().map(name => `<p><a href="${name}">${title(name)}</a></p>`).join('');

const server = createServer((request, response) => {
  const name = basename(request.url.split('?')[0]);
  const found = decks().includes(name);
  response.writeHead(found || !name ? 200 : 404,
    {'Content-Type': kind(name) ?? types.html});
  response.end(found ? readFileSync(join(directory, name)) : list());
});
server.on('error', error => {
  console.error(error.message);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`Open http://127.0.0.1:${server.address().port}/`));
