// Theme and search of the site. Without it everything else works.
const root = document.documentElement;
const button = document.getElementById('theme');
const dark = matchMedia('(prefers-color-scheme: dark)');

function stored(theme) { // a page from a file may not store anything
  try {
    if (theme) localStorage.theme = theme;
    return localStorage.theme;
  } catch {
    return theme;
  }
}

function show(theme) {
  root.style.colorScheme = theme;
  button.textContent = theme === 'dark' ? 'Light' : 'Dark';
}

show(stored() || (dark.matches ? 'dark' : 'light'));
dark.addEventListener('change', () => stored() ||
  show(dark.matches ? 'dark' : 'light'));
button.hidden = false;
button.onclick = () => {
  show(stored(root.style.colorScheme === 'dark' ? 'light' : 'dark'));
};

// The index, a list of [page, title, text], is fetched when it is wanted:
// by a script element, because a page from a file may not fetch.
const search = document.getElementById('search');
const found = document.getElementById('found');
search.hidden = false;
search.onfocus = () => {
  search.onfocus = null;
  const script = document.createElement('script');
  script.src = 'search.js';
  script.onload = look;
  document.head.append(script);
};
search.oninput = look;

function look() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  found.hidden = !words.length || typeof INDEX === 'undefined';
  if (found.hidden) return;
  const hits = INDEX.filter(([, title, text]) =>
    words.every(word => (title + ' ' + text).toLowerCase().includes(word)));
  const first = ([, title]) =>
    words.every(word => title.toLowerCase().includes(word)) ? 0 : 1;
  hits.sort((a, b) => first(a) - first(b));
  for (const hit of hits.slice(0, 20)) found.append(item(hit, words));
  if (!hits.length) found.append('Nothing found.');
}

function item([page, title, text], words) {
  const line = document.createElement('li');
  const link = document.createElement('a');
  const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 30);
  const excerpt = document.createElement('small');
  link.href = page;
  link.textContent = title;
  excerpt.textContent = text.slice(at, at + 90).replace(at ? /^\S*\s/ : '', '');
  link.append(excerpt);
  line.append(link);
  return line;
}
