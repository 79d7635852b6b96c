// Makes a chapter of a header: node docs/reference.mjs <common/ax.h
//
// A comment and the declarations under it, up to a blank line, are an entry,
// whose heading is the names that are declared. Bodies are left out, and names
// with two underscores are private.
import {readFileSync} from 'node:fs';

// Marks up the names in prose that are not marked yet.
const NAME =
  /`[^`]*`|\[self[^\]]*\]|[A-Z_]+=\S+|[a-z_]+((_|::|\.)[a-z0-9_]+)+(\([^)]*\))?|\b[a-z]+\([^)]*\)|"[^"\n]*"/gi;
const prose = text => text.replace(/[*<]/g, '\\$&')
  .replace(NAME, name => name[0] === '`' ? name : '`' + name + '`');

const text = comment => prose(comment
  .replace(/^\/\* ?| ?\*\/$|^ \* ?/gm, ''))
  .replace(/\s(Source|Errors|Ownership|Threads): /g, (_, label) =>
    `\n\n*${label === 'Source' ? 'In Asio' : label}:* `);

// The words are a list, and so are the laws.
const preface = comment => text(comment)
  .replace(/^.*\n/, '')
  .replace(/^  ([a-z]+)  +/gm, '- **$1**: ')
  .replace(/^ +/gm, spaces => spaces.length > 4 ? '    ' : '');

const declarations = code => code
  .replace(/^static inline ([^{]*?) \{\n[^]*?^\}/gm, '$1;')
  .replace(/^#define (\w+)(\([^)]*\))?(?:.*\\\n)*.*$/gm, (all, name, args) =>
    name.includes('__') ? '' : args ? `#define ${name}${args}` : all)
  .trim();

const DECLARED = [/^#define (\w+)/, /^(?:typedef )?struct (\w+)/, /^\} (\w+);/,
  /^typedef .*?\b(\w+)(?:;|\()/, /^\w.*?\b(\w+)\(/];
const names = code => [...new Set(code.split('\n').flatMap(line =>
  (/^typedef \w+ \w+;/.test(line) ? line.match(/(\w+);/) :
    DECLARED.map(shape => line.match(shape)).find(Boolean) || [])[1] || []))]
  .filter(name => !name.includes('__'));

console.log(`# Reference: ax.h

Everything that \`common/ax.h\` declares, in its order, and what its comments
say. First the words and the laws.
`);
for (const block of readFileSync(0, 'utf8').split(/\n\n+/)) {
  const [, comment, code] = block.match(/^(\/\*[^]*?\*\/)\n?([^]*)$/) || [];
  const section = block.match(/^\/\* -+ ([a-z ]+) \*\//);
  if (section)
    console.log(`## ${section[1][0].toUpperCase()}${section[1].slice(1)}\n`);
  else if (comment?.startsWith('/* ax.h'))
    console.log(preface(comment) + '\n');
  else if (code && names(code).length)
    console.log(`### ${names(code).join(', ')}\n\n` +
      `\`\`\`c\n${declarations(code)}\n\`\`\`\n\n${text(comment).trim()}\n`);
}
