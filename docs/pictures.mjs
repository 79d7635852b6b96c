// Pictures of the slides that texts show: node docs/pictures.mjs write|check
//
// On a slide a picture takes its cast and its colours from the deck. For a text
// that shows docs/pictures/NAME.svg it is made of slides/pictures/NAME.svg with
// all that it needs inside, as it stands after its last step.
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync}
  from 'node:fs';

const read = path => readFileSync(path, 'utf8');
const cast = read('slides/pictures/cast.svg');
const theme = read('slides/theme.css');
const all = (text, shape) => [...new Set([...text.matchAll(shape)].map(m => m[1]))];

// The elements of the cast by name: those below <defs>, each to its end.
const pieces = {};
let depth = 0, start = 0;
for (const tag of cast.split('<defs>')[1].split('</defs>')[0]
  .matchAll(/<(\/?)\w[^>]*?(\/?)>/g)) {
  if (depth === 0) start = tag.index;
  depth += tag[1] ? -1 : tag[2] ? 0 : 1;
  if (depth === 0) {
    const piece = tag.input.slice(start, tag.index + tag[0].length);
    pieces[piece.match(/id="([^"]*)"/)[1]] = piece;
  }
}

// The elements that a text uses, and those that these use.
function needed(text, found = new Set()) {
  for (const id of all(text, /(?:href="(?:cast\.svg)?#|url\(#)([\w-]+)/g))
    if (pieces[id] && !found.has(id)) {
      needed(pieces[id], found);
      found.add(id);
    }
  return found;
}

// Light and dark are told apart by the system alone, which all viewers know.
function colours(text) {
  const used = new Set(all(text, /var\((--[\w-]+)/g));
  const pairs = [...theme.matchAll(/(--[\w-]+): light-dark\((.*?), (.*?)\)/g)]
    .filter(([, name]) => used.has(name));
  const [light, dark] = [2, 3].map(i =>
    `:root{${pairs.map(pair => `${pair[1]}:${pair[i]}`).join(';')}}`);
  return `${light}\n@media (prefers-color-scheme:dark){${dark}}`;
}

function standalone(source) {
  const parts = [...needed(source + 'url(#head)')].map(id => pieces[id]).join('\n');
  const classes = new Set(all(source, /class="([^"]*)"/g).flatMap(c => c.split(' ')));
  const rules = [...theme.matchAll(/^\.reveal svg (text|\.(\w+)) (\{.*\})$/gm)]
    .filter(([, , name]) => !name || classes.has(name))
    .map(([, what, , rule]) => `${what}${rule}`).join('\n')
    .replace('font-family: inherit', 'font-family: system-ui, "DejaVu Sans", sans-serif');
  const text = parts + source + rules;
  return source.replace(/<!--[^]*?-->\s*/g, '').replaceAll('cast.svg#', '#')
    .replace(/>/, `>\n<style>\n${colours(text)}\n${rules}\n` +
    '.walk{transform:translate(var(--x,0),var(--y,0))}\n.gone{display:none}\n' +
    `</style>\n<defs>\n${parts}\n</defs>`);
}

// Pictures of runs come from elsewhere: docs/trace/picture.mjs.
const texts = readdirSync('docs').filter(f => f.endsWith('.md')).map(f => 'docs/' + f)
  .concat(readdirSync('lessons').map(d => `lessons/${d}/README.md`));
const wanted = texts.filter(existsSync)
  .flatMap(f => all(read(f), /\]\((?:\.\.\/\.\.\/docs\/)?pictures\/([\w-]+\.svg)\)/g))
  .filter(name => !name.startsWith('run-'));
let stale = 0;
for (const name of new Set(wanted)) {
  const file = 'docs/pictures/' + name;
  const picture = standalone(read('slides/pictures/' + name));
  if (existsSync(file) && read(file) === picture) continue;
  if (process.argv[2] === 'write') {
    mkdirSync('docs/pictures', {recursive: true});
    writeFileSync(file, picture);
    console.log('rewritten: ' + file);
  } else {
    console.error(`${file}:1: stale: not what slides/pictures/${name} shows; try \`make docs\``);
    stale = 1;
  }
}
process.exit(stale);
