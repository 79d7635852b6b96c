// Makes the book: node docs/book.mjs DIRECTORY TEXT...
//
// A site and an EPUB in the directory, and one HTML file for printing in
// build/book, from the texts in this order, the first of which is the index.
// Run from the root, by docs.mk.
import {execFile} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync}
  from 'node:fs';
import {basename, dirname, join, normalize} from 'node:path';
import {promisify} from 'node:util';

const run = promisify(execFile);
const [out, ...texts] = process.argv.slice(2);
const work = 'build/book';
const TITLE = 'Asynchronous I/O in C';
const SUBTITLE = 'From a timer to a chat server';
const read = path => readFileSync(path, 'utf8');

// ------------------------------------------------------------- chapters

const name = path => path === texts[0] ? 'index' :
  /^(lessons|exercises)\//.test(path) ? basename(dirname(path)) :
    basename(path, '.md').toLowerCase();
const chapters = texts.map(path => ({path, name: name(path),
  title: read(path).match(/^# (Lesson.*|[^:,\n]*)/m)[1]}));
chapters[0].title = 'Start';

// A header is shown by the reference, a folder by the index.
const places = Object.fromEntries(chapters.map(c => [c.path, c.name]));
places['common/ax.h'] = 'reference';

// Names of the core, and the heading that has each.
const names = {};
const reference = chapters.find(c => c.name === 'reference');
for (const [, heading] of read(reference.path).matchAll(/^### (.*)$/gm))
  for (const one of heading.split(', '))
    names[one] = heading.toLowerCase().replace(/,/g, '').replace(/ /g, '-');

// -------------------------------------------------------------- sources

// A page for each directory: the core, the lessons, and tests that are linked.
const sources = {}, folders = {LICENSE: ['LICENSE']};
const linked = path => [...read(path).matchAll(/\]\(([^):#\s]+)/g)]
  .map(([, target]) => dirname(join(dirname(path), target)));
for (const folder of ['common', ...texts.map(dirname), ...texts.flatMap(linked)])
  if (/^(common|lessons\/.*|tests\/.*)$/.test(folder))
    folders[folder] = readdirSync(folder)
      .filter(f => /\.(c|h|cpp|hpp|py|sh|awk|txt)$/.test(f))
      .sort().map(f => join(folder, f));
const page = folder => 'source-' + folder.replace(/^(lessons|tests)\//, '')
  .replaceAll('/', '-').toLowerCase() + '.html';
for (const folder in folders)
  for (const path of folders[folder])
    sources[path] = page(folder) + '#' + basename(path).toLowerCase();

function listing(folder) {
  const language = {c: 'c', h: 'c', cpp: 'cpp', hpp: 'cpp', py: 'python', sh: 'bash', awk: 'awk'};
  return `# ${folder}\n\n` +
    folders[folder].map(path =>
      `## ${basename(path)} {#${basename(path).toLowerCase()}}\n\n` +
      '``````' + (language[path.split('.').pop()] ?? 'text') +
      `\n${read(path)}\`\`\`\`\`\`\n`).join('\n');
}

// --------------------------------------------------------------- pandoc

const lua = value => typeof value !== 'object' ? JSON.stringify(value) :
  `{${Object.entries(value).map(([k, v]) => `["${k}"]=${lua(v)}`).join(',')}}`;

async function pandoc(key, book, args, input) {
  const file = join(work, key + '.lua');
  writeFileSync(file, 'return ' + lua(book));
  const child = run('pandoc', ['--lua-filter=docs/regions.lua',
    '--lua-filter=docs/book.lua', ...args],
  {env: {...process.env, BOOK: file}, maxBuffer: 1 << 26});
  child.child.stdin.end(input);
  const {stdout, stderr} = await child;
  if (stderr) process.stderr.write(stderr);
  return stdout;
}

// Two at a time.
async function each(list, work) {
  const left = [...list.entries()], results = [];
  await Promise.all([1, 2].map(async () => {
    for (let next; (next = left.shift());) results[next[0]] = await work(next[1]);
  }));
  return results;
}

const link = chapter => chapter && {name: chapter.name, title: chapter.title};

// Below the picture of a lesson's run, the way to the page that plays it.
function withRun(name, html) {
  const page = `trace/${name}.html`;
  if (!existsSync(join(out, page))) return html;
  return html.replace(/<p><img[^>]*src="run-\d+\.svg"[^>]*><\/p>|<figure>\s*<img[^>]*src="run-\d+\.svg"[^]*?<\/figure>/,
    picture => `${picture}\n<p><a href="${page}">Play this run, beside the story</a></p>`);
}

async function makePage({path, name, title, text}) {
  const at = chapters.findIndex(c => c.name === name);
  const variables = join(work, name + '.json');
  writeFileSync(variables, JSON.stringify({title: TITLE,
    pagetitle: at === 0 ? TITLE : `${title} – ${TITLE}`,
    before: link(chapters[at - 1]), after: at < 0 ? undefined : link(chapters[at + 1]),
    source: at > 0 && folders[dirname(path)] && page(dirname(path)),
    chapters: chapters.map(c => ({...link(c), here: c.name === name}))}));
  const html = await pandoc(name, {path, chapters: places, sources, names},
    ['-f', 'gfm+attributes+definition_lists', '-t', 'html5', '--template=docs/book.html',
      '--metadata-file', variables], text ?? read(path));
  writeFileSync(join(out, name + '.html'), withRun(name, html));
  return index(name, html);
}

async function makeWhole() {
  const docs = await each(chapters, ({path, name}) => pandoc(name + '-whole',
    {path, chapters: places, sources: {}, names, whole: true},
    ['-f', 'gfm+attributes+definition_lists', '-t', 'json'], read(path)).then(JSON.parse));
  const whole = JSON.stringify({...docs[0], blocks: docs.flatMap(d => d.blocks)});
  const finish = async args => {
    const child = run('pandoc', ['-f', 'json', ...args], {maxBuffer: 1 << 26});
    child.child.stdin.end(whole);
    return (await child).stdout;
  };
  const html = await finish(['-t', 'html5', '--template=docs/book.html', '--toc',
    '--toc-depth=1', '-V', 'whole=1', '-M', 'pagetitle=' + TITLE,
    '-V', 'subtitle=' + SUBTITLE]);
  writeFileSync(join(work, 'whole.html'),
    html.replaceAll('src="docs/', 'src="../../docs/'));
  await finish(['-t', 'epub3', '-M', 'title=' + TITLE, '-M', 'lang=en',
    '-M', 'subtitle=' + SUBTITLE, '--toc-depth=1', '-o', join(out, 'book.epub')]);
}

// --------------------------------------------------------------- search

// What a page says below each of its headings: [place, title, text].
function index(name, html) {
  const [, main] = html.match(/<main>([^]*)<p class="ways">/);
  const plain = text => text.replace(/<[^>]*>/g, '').replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ').trim();
  const chapter = chapters.find(c => c.name === name)?.title;
  return main.split(/(?=<h[1-3] )/).slice(1).map(part => {
    const [all, id, heading] = part.match(/<h[1-3] id="([^"]*)"[^>]*>([^]*?)<\/h/);
    const title = plain(heading);
    return [`${name}.html#${id}`, !chapter || part.startsWith('<h1') ? title :
      `${title} (${chapter})`, plain(part.slice(all.length + 2))];
  });
}

for (const directory of [out, work]) mkdirSync(directory, {recursive: true});
const pages = [...chapters, ...Object.keys(folders).map(folder =>
  ({path: folder + '/', name: page(folder).replace('.html', ''),
    title: 'Sources', text: listing(folder)}))];
const entries = (await each(pages, makePage)).flat();
writeFileSync(join(out, 'search.js'), 'const INDEX = ' + JSON.stringify(entries));
for (const file of ['docs/book.css', 'docs/book.js'])
  copyFileSync(file, join(out, basename(file)));
for (const {path} of chapters)
  for (const [, image] of read(path).matchAll(/\]\(([^)\s]+\.svg)\)/g))
    copyFileSync(join(dirname(path), image), join(out, basename(image)));
await makeWhole();
