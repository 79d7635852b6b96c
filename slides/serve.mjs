// serve.mjs DIRECTORY [PORT]: its decks at http://127.0.0.1:PORT, with a list
// of them at the root. For this machine alone.
import {createServer} from 'node:http';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';

const [directory, port = '8000'] = process.argv.slice(2);
const decks = () => readdirSync(directory).filter(name => /\.(html|pdf)$/.test(name)).sort();
const list = () => '<!DOCTYPE html><meta charset="utf-8"><title>Decks</title><h1>Decks</h1>' +
  decks().map(name => `<p><a href="${name}">${name}</a></p>`).join('');

const server = createServer((request, response) => {
  const name = path.basename(request.url.split('?')[0]);
  const found = decks().includes(name);
  const type = name.endsWith('.pdf') ? 'application/pdf' : 'text/html; charset=utf-8';
  response.writeHead(found || !name ? 200 : 404, {'Content-Type': type});
  response.end(found ? readFileSync(path.join(directory, name)) : list());
});
server.on('error', error => { console.error(error.message); process.exit(1); });
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`Open http://127.0.0.1:${server.address().port}/ (Ctrl-C ends)`));
