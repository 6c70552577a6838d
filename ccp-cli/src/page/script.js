
// Shows the values at the time that is pointed at, in all plots of a run at once. What it reads is in
// the page already: the lines' own paths. No angle bracket and no ampersand stands here, since the page
// is XML too.
'use strict';
{
  const NS = 'http://www.w3.org/2000/svg', WIDTH = 1200, HEIGHT = 400;

  // The corners of a line: pieces of [x, y], one each time the pen is put down.
  const corners = path => {
    const pieces = [];
    let x = 0, y = 0;
    for (const step of path.matchAll(/([ml])(-?\d+) ?(-?\d+)/g)) {
      x += Number(step[2]);
      y += Number(step[3]);
      if (step[1] === 'm') pieces.push([]);
      pieces[pieces.length - 1].push([x, y]);
    }
    return pieces;
  };

  // Where a line is at x; null where it is not.
  const height = (pieces, x) => {
    for (const piece of pieces) {
      if (piece[0][0] > x + 2 || x - 2 > piece[piece.length - 1][0]) continue;
      let low = 0, high = piece.length - 1;
      while (high > low + 1) {
        const middle = (low + high) >> 1;
        if (piece[middle][0] > x) high = middle; else low = middle;
      }
      const [ax, ay] = piece[low], [bx, by] = piece[high];
      const part = bx > ax ? Math.min(1, Math.max(0, (x - ax) / (bx - ax))) : 0;
      return ay + (by - ay) * part;
    }
    return null;
  };

  const figure = value => value >= 100 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();

  const prepare = plot => {
    const area = plot.querySelector('.area');
    const cross = document.createElementNS(NS, 'line');
    cross.setAttribute('class', 'cross');
    cross.setAttribute('y2', '100%');
    cross.style.display = 'none';
    area.append(cross);
    const readers = [];
    if (plot.classList.contains('lanes')) {
      const now = plot.querySelector('.now');
      const lanes = [...plot.querySelectorAll('path.span')].map(lane => {
        const spans = [...lane.getAttribute('d').matchAll(/M(\d+) 0h(\d+)/g)];
        return { name: lane.dataset.name, spans: spans.map(span => [Number(span[1]), Number(span[1]) + Number(span[2])]) };
      });
      if (lanes.length) readers.push(x => {
        const on = lanes.filter(lane => lane.spans.some(([from, to]) => x >= from ? to > x : false));
        now.textContent = on.map(lane => lane.name).join(', ');
      });
    } else {
      const top = Number(plot.dataset.top), paths = [...plot.querySelectorAll('.lines path')];
      plot.querySelectorAll('.legend li').forEach(item => {
        const shape = item.querySelector('.key').firstElementChild.getAttribute('class');
        const path = paths.find(path => path.getAttribute('class') === shape);
        if (!path) return;
        const pieces = corners(path.getAttribute('d')), text = item.querySelector('small');
        readers.push(x => {
          const y = height(pieces, x);
          text.textContent = y === null ? 'none' : 0 > y ? 'above' : figure((HEIGHT - y) / HEIGHT * top);
        });
      });
    }
    return { area, show(x) {
      cross.style.display = '';
      cross.setAttribute('x1', x / WIDTH * 100 + '%');
      cross.setAttribute('x2', x / WIDTH * 100 + '%');
      readers.forEach(reader => reader(x));
    } };
  };

  for (const run of document.querySelectorAll('section.run')) {
    const end = Number(run.dataset.end), figures = [...run.querySelectorAll('.plot')], ready = new Map();
    const bar = document.createElement('label'), range = document.createElement('input');
    const output = document.createElement('output');
    bar.className = 'read';
    range.type = 'range';
    range.max = WIDTH;
    range.value = WIDTH;
    range.step = 1;
    output.textContent = '–';
    bar.append('values at', range, output);
    run.append(bar);

    let due = false;
    const show = () => {
      due = false;
      const x = Number(range.value), time = (x / WIDTH * end).toPrecision(4);
      output.textContent = Number(time) + ' s';
      range.setAttribute('aria-valuetext', Number(time) + ' seconds');
      for (const plot of figures) {
        // A plot of a closed flow takes no work until it is opened.
        if (!plot.getClientRects().length) continue;
        if (!ready.has(plot)) ready.set(plot, prepare(plot));
        ready.get(plot).show(x);
      }
    };
    const soon = () => { if (!due) { due = true; requestAnimationFrame(show); } };
    range.addEventListener('input', soon);
    for (const plot of figures) {
      const area = plot.querySelector('.area'), pick = document.createElementNS(NS, 'rect');
      pick.setAttribute('class', 'pick');
      pick.setAttribute('width', '100%');
      pick.setAttribute('height', '100%');
      area.append(pick);
      const point = event => {
        const box = pick.getBoundingClientRect();
        range.value = Math.round((event.clientX - box.left) / box.width * WIDTH);
        soon();
      };
      pick.addEventListener('pointermove', point);
      pick.addEventListener('pointerdown', point);
    }
  }
}
