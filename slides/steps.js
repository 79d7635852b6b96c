/* The slides of a part stand in one column of the overview, under its name. */
function gatherParts() {
  let column;
  for (const slide of document.querySelectorAll('.slides > section')) {
    if (slide.dataset.part || !column) {
      column = document.createElement('section');
      column.className = 'stack';
      slide.before(column);
    }
    column.append(slide);
  }
}

/* On a phone the deck is a page to be read: slide, notes, slide, notes. (The
 * speaker's view is narrow as well, and a receiver.) */
function isNarrow() {
  return matchMedia('(max-width: 640px)').matches &&
    !/print-pdf|receiver/.test(location.search);
}

function showAsPage() {
  document.getElementById('reveal-css').remove();
  document.documentElement.classList.add('compact');
  for (const step of document.querySelectorAll('.fragment'))
    step.classList.add('visible');
}

/* Steps through the lines of a code block: what pandoc made of
 * data-line-numbers="1-2|4" becomes one step for each part. While there are
 * steps, the lines of the current one are lit and the others are quiet; in
 * print all are as usual. T changes between light and dark. */
const Steps = {
  id: 'steps',
  init(deck) {
    const inPart = (part, line) => part.split(',').some(range => {
      const [first, last = first] = range.split('-').map(Number);
      return first <= line && line <= last;
    });
    const light = (block, part) => {
      block.classList.toggle('stepping', Boolean(part));
      block.querySelectorAll('code > span').forEach((line, i) =>
        line.classList.toggle('quiet', Boolean(part) && !inPart(part, i + 1)));
    };

    deck.getSlidesElement().querySelectorAll('[data-line-numbers]')
      .forEach(block => block.dataset.lineNumbers.split('|').forEach(part => {
        const step = document.createElement('i');
        step.className = 'fragment step';
        step.dataset.part = part;
        block.append(step);
      }));

    const show = () => document.querySelectorAll('.present [data-line-numbers]')
      .forEach(block => {
        const shown = block.querySelectorAll('.step.visible');
        light(block, shown.length ? shown[shown.length - 1].dataset.part : '');
      });
    for (const what of ['ready', 'slidechanged', 'fragmentshown',
      'fragmenthidden']) deck.on(what, show);

    const style = document.documentElement.style;
    const key = {keyCode: 84, key: 'T', description: 'light or dark'};
    deck.addKeyBinding(key, () => {
      const dark = style.colorScheme ? style.colorScheme === 'dark'
        : matchMedia('(prefers-color-scheme: dark)').matches;
      style.colorScheme = dark ? 'light' : 'dark';
    });
  }
};
