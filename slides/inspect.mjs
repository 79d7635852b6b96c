// What test_slides.mjs does inside of a deck's page. Each function is sent
// there as text, so it stands alone, and returns what it found.

// What is wrong with the slide that is shown, after its last step.
export function inspectSlide() {
  const slide = Reveal.getCurrentSlide();
  const stage = slide.getBoundingClientRect();
  const foot = slide.querySelector('footer').getBoundingClientRect();
  const found = [];
  const short = text => `"${text.trim().replace(/\s+/g, ' ').slice(0, 40)}"`;
  const leaves = (rect, box) => rect.left < box.left - 1 ||
    rect.right > box.right + 1 || rect.top < box.top - 1 ||
    rect.bottom > box.bottom + 1;

  // Text as it is drawn: a rectangle for each piece in a line.
  function drawnTexts() {
    const texts = [];
    const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    const how = {opacityProperty: true, visibilityProperty: true};
    for (let node; (node = walker.nextNode());) {
      const owner = node.parentElement;
      if (!node.data.trim() || owner.closest('aside') ||
          !owner.checkVisibility(how)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects())
        if (rect.width > 1 && rect.height > 1)
          texts.push({owner, rect, what: short(node.data)});
    }
    return texts;
  }

  function findOverflow(texts) {
    for (const {owner, rect, what} of texts) {
      const box = owner.closest('pre, figure svg') ?? slide;
      if (leaves(rect, stage)) found.push(`${what} leaves the slide`);
      else if (leaves(rect, box.getBoundingClientRect()))
        found.push(`${what} leaves its box`);
      if (rect.bottom > foot.top && !owner.closest('footer'))
        found.push(`${what} runs into the footer`);
    }
    const boxes = 'figure svg, pre, table, .question, .answer';
    for (const box of slide.querySelectorAll(boxes)) {
      const rect = box.getBoundingClientRect();
      if (leaves(rect, stage) || rect.bottom > foot.top + 1)
        found.push(`a ${box.tagName} leaves the slide`);
    }
  }

  function findCollisions(texts) {
    const drawn = texts.filter(text => text.owner.closest('figure svg'));
    drawn.forEach((a, i) => drawn.slice(i + 1).forEach(b => {
      const [p, q] = [a.rect, b.rect];
      const width = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const height = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (width > 2 && height > 6) found.push(`${a.what} lies on ${b.what}`);
    }));
  }

  // Output may be wider: it is read once, and not line by line.
  function findLongCode() {
    for (const pre of slide.querySelectorAll('pre')) {
      const lines = pre.textContent.replace(/\n$/, '').split('\n');
      const room = pre.matches('.text') ? 80 : 72;
      const wide = lines.find(line => line.length > room);
      if (lines.length > 14)
        found.push(`${lines.length} lines of code: ${short(lines[0])}`);
      if (wide) found.push(`${wide.length} columns of code: ${short(wide)}`);
      if (pre.scrollWidth > pre.clientWidth + 1)
        found.push(`code is cut off: ${short(lines[0])}`);
    }
  }

  // Contrast with what lies under the middle of the text.
  function findFaint(texts) {
    const numbers = color => (color.match(/[\d.]+/g) ?? []).map(Number);
    const solid = ([r, g, b, alpha = 1]) => b !== undefined && alpha > .99;
    const luminance = rgb => rgb.slice(0, 3).map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const shape = e => e instanceof SVGElement && e.tagName !== 'svg';
    const color = e => numbers(shape(e) ? getComputedStyle(e).fill
      : getComputedStyle(e).backgroundColor);
    for (const {owner, rect, what} of texts) {
      const {fill, color: ink} = getComputedStyle(owner);
      const under = document.elementsFromPoint(
        rect.left + rect.width / 2, rect.top + rect.height / 2)
        .filter(e => !e.matches('text, tspan, use'))
        .map(color).find(solid) ??
        numbers(getComputedStyle(document.body).backgroundColor);
      const [light, dark] = [numbers(shape(owner) ? fill : ink), under]
        .map(luminance).sort((a, b) => b - a);
      const ratio = (light + .05) / (dark + .05);
      if (!(ratio >= 4.5))
        found.push(`contrast of ${what} is ${ratio.toFixed(1)}:1`);
    }
  }

  const texts = drawnTexts();
  findLongCode();
  findFaint(texts);
  findCollisions(texts);
  findOverflow(texts);
  return found;
}

// Takes the steps of the slide: each changes something, and one in a block of
// code lights the lines that it names, and no others.
export function takeSteps() {
  const slide = Reveal.getCurrentSlide();
  const found = [];
  const look = () =>
    slide.innerHTML.replace(/ (will-change|data-fragment)[^ >]*/g, '');
  const named = part => part.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({length: last - first + 1}, (_, i) => first + i);
  });
  while (Reveal.availableFragments().next) {
    const before = look();
    Reveal.nextFragment();
    if (look() === before) found.push('a step changes nothing');
    const current = slide.querySelector('.step.current-fragment');
    if (!current) continue;
    const lines = current.parentElement.querySelectorAll('code > span');
    const lit = [...lines]
      .map((line, i) => line.classList.contains('quiet') ? 0 : i + 1)
      .filter(Boolean).join();
    if (lit !== named(current.dataset.part).join())
      found.push(`step ${current.dataset.part} lights lines ${lit}`);
  }
  return found;
}

export function readNotes() {
  return Reveal.getSlides().map(slide => ({
    title: slide.querySelector('h2')?.textContent.trim() ?? '',
    part: slide.dataset.part,
    notes: [...slide.querySelectorAll('aside.notes > *')]
      .map(paragraph => paragraph.textContent.trim()).join('\n')
  }));
}

// On paper a slide keeps its margin, and nothing is cut off.
export function inspectPages() {
  const content = 'h2, p, li, pre, td, figure, footer';
  return [...document.querySelectorAll('.pdf-page')].flatMap((page, i) => {
    const paper = page.getBoundingClientRect();
    const leaves = ({left, right, top, bottom}) => left < paper.left + 40 ||
      right > paper.right - 40 || top < paper.top || bottom > paper.bottom;
    return [...page.querySelectorAll(content)]
      .map(e => [e, e.getBoundingClientRect()])
      .filter(([e, rect]) =>
        !e.closest('aside') && rect.width > 0 && leaves(rect))
      .map(([e]) => `page ${i + 1}: ${e.tagName} leaves the page`);
  });
}
