// Measures how a browser lays the page out, for the test `browser.rs`: not part of the page. Each frame
// holds a page at one size and in one colour scheme; what is found goes into #found as JSON.
'use strict';
{
  const SILENT = new Set(['TITLE', 'DESC', 'SCRIPT', 'STYLE', 'OPTION']);

  // Red, green, blue and opacity of a computed colour.
  const channels = colour => {
    const found = colour.match(/[\d.]+/g).map(Number);
    return found.length === 3 ? [...found, 1] : found;
  };

  // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
  const luminance = colour => {
    const [r, g, b] = colour.map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  // What an element stands on: the first opaque colour behind it.
  const backdrop = (win, element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = channels(win.getComputedStyle(at).backgroundColor);
      if (back[3] === 1) return back.slice(0, 3);
    }
    return null;
  };

  const name = element => {
    const figure = element.closest('.plot');
    const text = element.textContent.trim().slice(0, 40);
    return `${element.tagName.toLowerCase()}.${element.getAttribute('class')} in ${figure ? figure.id : 'page'} "${text}"`;
  };

  const measure = win => {
    const page = win.document, root = page.documentElement, complaints = [];
    const complain = (what, element) => complaints.push(`${what}: ${name(element)}`);
    const box = element => element.getBoundingClientRect();
    page.querySelectorAll('details').forEach(flow => { flow.open = true; });

    if (root.scrollWidth > win.innerWidth) complaints.push(`the page is ${root.scrollWidth} wide`);
    let text = Infinity, drawing = Infinity, texts = 0;
    for (const element of page.body.querySelectorAll('*')) {
      if (SILENT.has(element.tagName.toUpperCase())) continue;
      const style = win.getComputedStyle(element), at = box(element);
      const scrolls = element.closest('.wide') !== null && !element.classList.contains('wide');
      if (at.width > 0 && !scrolls && (at.left < -0.5 || at.right > win.innerWidth + 0.5)) {
        complain(`from ${at.left} to ${at.right}`, element);
      }
      const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
      const inSvg = element.namespaceURI.endsWith('svg');
      if (own) {
        texts += 1;
        const back = backdrop(win, element), ink = channels(inSvg ? style.fill : style.color);
        const ratio = back && ink[3] === 1 ? contrast(ink.slice(0, 3), back) : 0;
        if (ratio < 4.5) complain(`text of contrast ${ratio}`, element);
        if (parseFloat(style.fontSize) < 11.9) complain(`text of ${style.fontSize}`, element);
        text = Math.min(text, ratio);
      }
      if (inSvg && element.matches('[class^=s], .ref, .bars, .span')
          && !element.matches('svg, text')) {
        const ink = channels(element.matches('.bars, .span') ? style.fill : style.stroke);
        const ratio = ink[3] === 1 ? contrast(ink.slice(0, 3), backdrop(win, element)) : 0;
        if (ratio < 3) complain(`a drawing of contrast ${ratio}`, element);
        drawing = Math.min(drawing, ratio);
      }
      if (element.tagName === 'svg' && !(at.width > 0 && at.height > 0)) complain('no area', element);
    }

    for (const cell of page.querySelectorAll('th, td')) {
      if (cell.scrollWidth > cell.clientWidth + 1) complain('wider than its cell', cell);
    }

    const apart = (elements, separate) => elements.forEach((element, place) => {
      const next = elements[place + 1];
      if (next && !separate(box(element), box(next))) complain('runs into the next', element);
    });
    for (const plot of page.querySelectorAll('.plot')) {
      const all = selector => [...plot.querySelectorAll(selector)];
      apart(all('text.x'), (one, next) => one.right <= next.left);
      apart(all('text.y'), (one, next) => one.top >= next.bottom);
      all('text.lane').forEach((lane, place) => {
        if (box(lane).right > box(all('text.share')[place]).left) complain('runs into its figure', lane);
      });
      if (box(plot.querySelector('.area')).height < 30) complain('too low', plot);
    }
    return {
      width: win.innerWidth, height: win.innerHeight,
      dark: win.matchMedia('(prefers-color-scheme: dark)').matches,
      plots: page.querySelectorAll('.plot .area').length,
      lines: page.querySelectorAll('.lines path').length,
      loaded: win.performance.getEntriesByType('resource').length,
      texts, text, drawing, complaints,
    };
  };

  // Moves each run's slider to its middle and reads what the plots say then.
  const slide = win => {
    // The browser writes the document down as soon as it is loaded, and would not wait for a frame.
    win.requestAnimationFrame = call => call();
    const page = win.document, complaints = [];
    const still = [...page.querySelectorAll('.legend li')].map(item => item.querySelector('small').textContent);
    page.querySelectorAll('.read input').forEach(range => {
      range.value = range.max / 2;
      range.dispatchEvent(new win.Event('input'));
    });
    const times = [...page.querySelectorAll('.read output')].map(output => output.textContent);
    let read = 0;
    [...page.querySelectorAll('.legend li')].forEach((item, place) => {
      const said = item.querySelector('small').textContent;
      if (!Number.isNaN(Number(said))) read += 1;
      // What never changes has the same value at each time.
      if (item.querySelector('.ref')) {
        const off = Math.abs(parseFloat(said) / parseFloat(still[place]) - 1);
        if (!(off < 0.02)) complaints.push(`${item.textContent} is not ${still[place]}`);
      }
    });
    for (const cross of page.querySelectorAll('.cross')) {
      const at = cross.getBoundingClientRect(), area = cross.parentElement.getBoundingClientRect();
      if (Math.abs(at.left - (area.left + area.right) / 2) > 1) complaints.push(`cross at ${at.left}`);
    }
    // Whoever points at a plot moves the slider.
    const pick = page.querySelector('.pick'), at = pick.getBoundingClientRect();
    const clientX = at.left + at.width / 4;
    pick.dispatchEvent(new win.PointerEvent('pointermove', { clientX, clientY: at.top, bubbles: true }));
    const pointed = page.querySelector('.read input');
    if (Math.abs(pointed.value - pointed.max / 4) > 1) complaints.push(`pointed at ${pointed.value}`);
    return {
      read, times, crosses: page.querySelectorAll('.cross').length,
      states: [...page.querySelectorAll('.now')].map(now => now.textContent),
      complaints,
    };
  };

  addEventListener('load', () => {
    const found = [];
    for (const frame of document.querySelectorAll('iframe')) {
      const win = frame.contentWindow, result = measure(win);
      if (!frame.hasAttribute('sandbox')) result.slid = slide(win);
      found.push(result);
    }
    document.querySelector('#found').textContent = JSON.stringify(found);
  });
}
