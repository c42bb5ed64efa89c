'use strict';
/// The timeline of a run as a drawing: a bar for each request, or of equal spans of time if there are many requests.
/// `requests` are lists of the start and the duration in microseconds, the index of the case, and whether it passed.
function timeline(requests, kit) {
  const { make, figure, plural, duration } = kit;
  const BARS = 300, SPANS = 120, WIDTH = 1200, LANES = 24;
  const SVG = 'http://www.w3.org/2000/svg';
  const draw = (name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const sorted = requests.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const first = sorted[0][0];
  let end = first + 1, slowest = 0, sum = 0;
  for (const [start, elapsed] of sorted) {
    end = Math.max(end, start + elapsed);
    slowest = Math.max(slowest, elapsed);
    sum += elapsed;
  }
  const all = end - first;

  // The lane of a request is the first that is free: as many lanes as requests that were in flight at one time.
  const free = [];
  const lanes = sorted.map(([start, elapsed]) => {
    let lane = free.findIndex((until) => until <= start);
    if (lane < 0) lane = free.length < 1000 ? free.push(0) - 1 : 999;
    free[lane] = start + elapsed;
    return lane;
  });
  const facts = plural(sorted.length, 'request') + ' in ' + duration(all) + ', up to ' + figure(free.length) +
    ' at one time, ' + duration(Math.round(sum / sorted.length)) + ' on average, ' + duration(slowest) + ' at most';

  const axis = (svg, height) => {
    for (let at = 0; at <= 4; at++) {
      svg.append(draw('line', { x1: at * WIDTH / 4, x2: at * WIDTH / 4, y1: 0, y2: height, class: 'tick' }));
    }
  };
  const scale = make('div', 'scale', [0, 1, 2, 3, 4].map((at) => make('span', '', duration(Math.round(all * at / 4)))));
  const picture = (height, label) => {
    const svg = draw('svg', {
      viewBox: '0 0 ' + WIDTH + ' ' + height, preserveAspectRatio: 'none', role: 'img', 'aria-label': label + ': ' + facts, class: 'times',
    });
    svg.style.height = height + 'px';
    axis(svg, height);
    return svg;
  };
  const node = make('div', 'timeline', make('p', 'fine', facts));

  if (sorted.length <= BARS && free.length <= LANES) {
    const row = free.length > 8 ? 10 : 16;
    const svg = picture(free.length * row, 'Requests by time, a lane for each request in flight');
    sorted.forEach(([start, elapsed, at, verdict], index) => {
      const bar = draw('rect', {
        x: (start - first) / all * WIDTH, y: lanes[index] * row + 2, width: Math.max(2, elapsed / all * WIDTH), height: row - 4,
        class: 'slot ' + verdict, 'data-at': at,
      });
      const title = draw('title', {});
      kit.say(title, kit.name(at) + ': ' + duration(elapsed) + ', ' + verdict, false);
      bar.append(title);
      svg.append(bar);
    });
    svg.addEventListener('click', (event) => {
      const at = event.target.dataset && event.target.dataset.at;
      if (at !== undefined) kit.open(Number(at));
    });
    node.append(svg, scale);
    return node;
  }

  const spans = Array.from({ length: SPANS }, () => ({ passed: 0, other: 0, slowest: 0, at: -1 }));
  for (const [start, elapsed, at, verdict] of sorted) {
    const span = spans[Math.min(SPANS - 1, Math.floor((start - first) / all * SPANS))];
    span[verdict === 'passed' ? 'passed' : 'other'] += 1;
    if (elapsed >= span.slowest) [span.slowest, span.at] = [elapsed, at];
  }
  const most = Math.max(...spans.map((span) => span.passed + span.other));
  const width = WIDTH / SPANS, HEIGHT = 70;
  const counts = picture(HEIGHT, 'Requests that began, by time');
  const times = picture(HEIGHT, 'Longest request that began, by time');
  spans.forEach((span, index) => {
    const x = index * width + 0.5, of = span.passed + span.other;
    if (of === 0) return;
    const text = duration(Math.round(all * index / SPANS)) + ' to ' + duration(Math.round(all * (index + 1) / SPANS)) + ': ' +
      plural(of, 'request') + ', ' + figure(span.other) + ' of cases that did not pass, longest ' + duration(span.slowest) + ' (' + kit.name(span.at) + ')';
    const bars = [
      [counts, 'passed', span.passed / most, 0],
      [counts, 'failed', span.other / most, span.passed / most],
      [times, 'longest', span.slowest / Math.max(1, slowest), 0],
    ];
    for (const [svg, kind, share, below] of bars) {
      if (share === 0) continue;
      const height = Math.max(1, share * HEIGHT);
      const bar = draw('rect', { x, y: HEIGHT - below * HEIGHT - height, width: width - 1, height, class: 'slot ' + kind, 'data-at': span.at });
      const title = draw('title', {});
      kit.say(title, text, false);
      bar.append(title);
      svg.append(bar);
    }
  });
  times.addEventListener('click', (event) => {
    const at = event.target.dataset && event.target.dataset.at;
    if (at !== undefined) kit.open(Number(at));
  });
  const label = (text) => make('p', 'label', text);
  node.append(label('Requests, at most ' + figure(most) + ' in ' + duration(Math.round(all / SPANS))), counts,
    label('Longest request, at most ' + duration(slowest)), times, scale);
  return node;
}
