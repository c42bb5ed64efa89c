'use strict';
// Everything that the run saw becomes text, never markup: nodes are made by `make`, and text gets in by `say`.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const CHUNK = 200;
  const ORDER = ['failed', 'errored', 'flaky', 'not-run', 'skipped', 'passed'];
  // The columns of a row.
  const VERDICT = 0, ID = 1, SUITE = 2, NAME = 3, TAGS = 4, ELAPSED = 5, TRIES = 6, URL_ = 7, CHECKS = 8, TEXT = 9, CAUSE = 10, TIMES = 11;

  document.addEventListener('securitypolicyviolation', (event) => {
    root.dataset.blocked = event.effectiveDirective;
  });

  const run = JSON.parse(byId('run').textContent);
  const rows = JSON.parse(byId('rows').textContent);

  /// Appends text. With `lines`, line breaks and tabs stay what they are.
  function say(node, text, lines) {
    if (!ONE.test(text)) {
      node.append(text);
      return node;
    }
    let from = 0, plain = '', marks = 0;
    for (const found of text.matchAll(EACH)) {
      const c = found[0];
      if (lines && (c === '\n' || c === '\t')) continue;
      plain += text.slice(from, found.index);
      from = found.index + c.length;
      // A body of nothing else would make a node of each.
      if (++marks > 2000) {
        plain += spelled(c);
        continue;
      }
      node.append(plain, make('span', 'spelled', spelled(c)));
      plain = '';
    }
    node.append(plain + text.slice(from));
    return node;
  }

  /// An element: its class, and what is in it. A string is said, an array is appended one by one.
  function make(name, className, ...inside) {
    const node = document.createElement(name);
    if (className) node.className = className;
    return put(node, inside);
  }

  function put(node, inside) {
    for (const one of inside) {
      if (one === null || one === undefined || one === false) continue;
      if (Array.isArray(one)) put(node, one);
      else if (one instanceof Node) node.append(one);
      else say(node, String(one), false);
    }
    return node;
  }

  function button(className, text, act) {
    const node = make('button', className, text);
    node.type = 'button';
    node.addEventListener('click', act);
    return node;
  }

  const badge = (verdict) => make('span', 'badge ' + verdict, verdict.replace('-', ' '));

  const said = byId('said');
  function announce(text) {
    said.textContent = '';
    setTimeout(() => { said.textContent = text; }, 50);
  }

  // Copying: on file:// some browsers have no clipboard, and then a selection does.
  async function copy(text, from) {
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const area = make('textarea', 'unseen');
      area.value = text;
      document.body.append(area);
      area.select();
      try { done = document.execCommand('copy'); } catch { /* Reported below. */ }
      area.remove();
    }
    from.focus();
    const label = from.dataset.label || (from.dataset.label = from.textContent);
    from.textContent = done ? 'Copied' : 'Copying is blocked here';
    announce(from.textContent);
    setTimeout(() => { from.textContent = label; }, 2000);
  }

  // ---- Bodies

  function showJson(pre, parts) {
    if (parts.length > 3000) {
      say(pre, parts.map(([before, token]) => before + token).join(''), true);
      return;
    }
    parts.forEach(([before, token], at) => {
      const next = parts[at + 1];
      const kind = token[0] === '"' ? (next && next[1] === ':' ? 'key' : 'string')
        : '{}[],:'.includes(token) ? '' : 'other';
      if (before) pre.append(before);
      if (kind) pre.append(say(make('span', kind), token, true));
      else pre.append(token);
    });
  }

  function showHex(pre, base64) {
    const bytes = atob(base64);
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const part = bytes.slice(at, at + 16);
      const hex = Array.from(part, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
      const text = part.replace(/[^\x20-\x7e]/g, '·');
      lines.push(at.toString(16).padStart(6, '0') + '  ' + hex.padEnd(48) + ' ' + text);
    }
    pre.classList.add('hex');
    pre.append(lines.join('\n'));
  }

  function scrolled(label) {
    const pre = make('pre', 'code');
    pre.tabIndex = 0;
    pre.setAttribute('role', 'group');
    pre.setAttribute('aria-label', label);
    return pre;
  }

  /// Bytes of the wire: text as text, JSON with line breaks, everything else in hexadecimal.
  function content(label, value) {
    const isText = value && value.text !== undefined;
    const held = !value ? 0 : isText ? new Blob([value.text]).size : atob(value.base64).length;
    const length = value && value.length !== undefined ? value.length : held;
    if (held === 0 && length === 0) return make('p', 'fine', label + ': none');
    const parts = isText && !value.cut ? indented(value.text) : null;
    const pre = scrolled(label);
    let size = plural(length, 'byte');
    if (value.cut) size += ', the first ' + figure(held) + ' are shown';
    else if (length !== held) size += ' as it came; secrets are hidden';
    if (!isText) size += ', not UTF-8';
    const head = make('div', 'caption', make('h5', '', label), make('span', 'faint', size));
    const show = (raw) => {
      pre.replaceChildren();
      if (!isText) showHex(pre, value.base64);
      else if (parts && !raw) showJson(pre, parts);
      else say(pre, value.text, true);
    };
    if (parts && parts.length > 1) {
      const toggle = button('quiet small', 'Raw', () => {
        const raw = toggle.getAttribute('aria-pressed') !== 'true';
        toggle.setAttribute('aria-pressed', String(raw));
        show(raw);
      });
      toggle.setAttribute('aria-pressed', 'false');
      head.append(toggle);
    }
    show(false);
    return make('div', 'content', head, pre);
  }

  function headers(fields) {
    if (fields.length === 0) return make('p', 'fine', 'Headers: none');
    const body = make('tbody', '');
    for (const [name, value] of fields) {
      const head = make('th', '', name);
      head.scope = 'row';
      body.append(make('tr', '', head, make('td', '', value)));
    }
    return make('table', 'headers', make('caption', 'unseen', 'Headers'), body);
  }

  // ---- A case that is open

  /// The place in a file, as a link if the run is from a commit of a repository that the page knows.
  function locationOf(at) {
    if (!at) return null;
    const text = make('code', 'location', at.file + ':' + at.line + ':' + at.column);
    if (!run.source || /^\/|^[a-z]:|(^|\/)\.\.(\/|$)|\\/i.test(at.file)) return text;
    const link = make('a', '', text);
    link.href = run.source.before + at.file.split('/').map(encodeURIComponent).join('/') + run.source.after + Number(at.line);
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    return link;
  }

  function diff(text) {
    const pre = scrolled('Difference, expected to actual');
    pre.classList.add('diff');
    const lines = text.replace(/\n$/, '').split('\n');
    const KIND = { '-': 'del', '+': 'add', '@': 'hunk' };
    for (const line of lines.slice(0, 2000)) {
      pre.append(say(make('span', 'line ' + (KIND[line[0]] || '')), line === '' ? ' ' : line, false));
    }
    if (lines.length > 2000) say(pre, lines.slice(2000).join('\n'), true);
    return pre;
  }

  function finding(one) {
    const warns = one.level !== 'deny';
    const node = make('article', 'finding ' + (warns ? 'warn' : 'deny'));
    node.append(make('div', 'title', make('h4', '', make('code', '', one.check), ' ',
      make('span', 'level', warns ? 'warning' : 'fails the case'),
      one.pointer ? [' ', make('span', 'faint', 'at '), make('code', '', one.pointer)] : null), locationOf(one.location)));
    node.append(make('p', 'message', one.message));
    if (one.diff) {
      node.append(diff(one.diff));
    } else if (one.expected !== undefined || one.actual !== undefined) {
      const pair = make('dl', 'pair');
      for (const [name, value, kind] of [['expected', one.expected, 'add'], ['actual', one.actual, 'del']]) {
        if (value === undefined) continue;
        pair.append(make('div', kind, make('dt', '', name), make('dd', '', say(make('code', ''), value, true))));
      }
      node.append(pair);
    }
    return node;
  }

  function response(outcome, statuses) {
    if (outcome.response) {
      const got = outcome.response;
      const status = statuses[got.status] || String(got.status);
      return [
        make('h4', '', 'Response'),
        make('p', 'first', make('code', '', make('span', 'status s' + String(got.status)[0], status), ' ', got.version)),
        make('p', 'fine', 'complete after ' + duration(got.elapsed_us) + ', headers received ' + got.received),
        got.reason !== undefined && make('p', '', 'Reason phrase: ', make('code', '', got.reason)),
        headers(got.headers),
        got.cut && make('p', 'callout', 'The body ended before it was complete: ' + got.cut),
        content('Body', got.body),
        got.excess && content('After the end of the message', got.excess),
      ];
    }
    if (outcome.malformed) {
      const got = outcome.malformed;
      return [
        make('h4', '', 'Malformed response'),
        make('p', 'callout', got.reason),
        make('p', 'fine', 'after ' + duration(got.elapsed_us)),
        content('First bytes', got.bytes),
      ];
    }
    const got = outcome.failure;
    return [
      make('h4', '', 'No response'),
      make('p', 'callout', make('b', '', got.kind), ': ', got.message),
      make('p', 'fine', 'after ' + duration(got.elapsed_us)),
    ];
  }

  function exchange(one, statuses) {
    const { request, outcome } = one;
    const grow = (className, inside) => make('section', className, inside);
    return make('div', 'exchange',
      grow('side', [
        make('h4', '', 'Request'),
        make('p', 'first', make('code', '', make('b', '', request.method), ' ', request.url)),
        headers(request.headers),
        content('Body', request.body),
      ]),
      grow('side', response(outcome, statuses)));
  }

  /// The command that repeats a request.
  function command(curl) {
    if (!curl) return make('p', 'faint', 'The request is too large for a command line in this page.');
    const pre = scrolled('Command');
    say(pre, curl.line, true);
    const again = button('quiet small', 'Copy', () => copy(curl.line, again));
    const notes = curl.notes.map((note) => say(make('p', 'faint'), note));
    again.setAttribute('aria-label', 'Copy the curl command');
    return make('div', 'content curl', make('div', 'caption', make('h4', '', 'Send it again'), again), pre, ...notes);
  }

  function steps(attempt) {
    return attempt.steps || [];
  }

  function stepTitle(step) {
    const phase = { setup: 'Setup ', teardown: 'Teardown ' }[step.phase] || 'Step ';
    const polls = step.polls > 0 ? ', ' + (step.polls + 1) + ' requests' : '';
    const state = step.omitted !== undefined ? ', not sent: ' + step.omitted : ', took ' + duration(step.elapsed_us) + polls;
    return make('h4', '', phase, make('code', '', step.id), state);
  }

  /// What precedes the exchanges of an attempt, and its exchanges.
  function attemptParts(attempt, details, number) {
    const above = [attempt.reason && make('p', 'callout', attempt.reason)], exchanges = [];
    const isFlow = steps(attempt).some((step) => step.id);
    const isLast = attempt === details.case;
    steps(attempt).forEach((step, at) => {
      const left = details.left_out[number][at];
      const into = isFlow ? exchanges : above;
      if (isFlow) {
        into.push(stepTitle(step));
        const captures = Object.entries(step.captures || {});
        if (captures.length > 0) {
          into.push(make('p', 'note', 'Captured ', make('code', '',
            captures.map(([name, value]) => name + ' = ' + JSON.stringify(value)).join(', '))));
        }
      }
      into.push((step.findings || []).map(finding),
        left > 0 && make('p', 'note', plural(left, 'more finding') + ' left out of this page'));
      exchanges.push(isLast && step.exchange && command(details.curls[at]),
        step.exchange && exchange(step.exchange, details.statuses));
    });
    return [above, exchanges];
  }

  function elapsed(attempt) {
    return steps(attempt).reduce((sum, step) => sum + step.elapsed_us, 0);
  }

  function panel(row, details) {
    const one = details.case;
    const all = (one.previous || []).length + 1;
    const started = steps(one).map((step) => step.started).find(Boolean);
    const link = button('quiet small', 'Copy link', () => {
      copy(location.href.split('#')[0] + '#' + new URLSearchParams({ open: one.id }), link);
    });
    const nodes = [make('div', 'meta',
      make('span', '', make('span', 'faint', 'written in '), locationOf(one.location)),
      started && make('span', '', make('span', 'faint', 'sent '), started),
      one.passed_before && make('span', '', 'passed in the run named by --failed-from'),
      link)];
    if (one.snapshot) {
      const what = one.snapshot.endsWith('.new') ? 'Pending snapshot: ' : 'Accepted snapshot: ';
      nodes.push(make('p', '', what, make('code', '', one.snapshot)));
    }
    if (all > 1) nodes.push(make('p', 'note', 'Attempt ' + all + ' of ' + all + ', took ' + duration(elapsed(one))));
    const [above, sent] = attemptParts(one, details, all - 1);
    nodes.push(...above);
    nodes.push(...sent);
    (one.previous || []).forEach((earlier, at) => {
      const summary = make('summary', '', make('b', '', 'Attempt ' + (at + 1) + ' of ' + all), ', took ' + duration(elapsed(earlier)));
      const box = make('details', 'try', summary);
      box.addEventListener('toggle', () => {
        if (box.open && box.children.length === 1) put(box, attemptParts(earlier, details, at));
      });
      // A flaky case is opened to see why it failed first.
      box.open = one.verdict === 'flaky' && at === 0;
      nodes.push(box);
    });
    return nodes;
  }

  /// The JSON of the details of a case; none if the page does not contain it, or not yet.
  let opened = { number: -1, lines: [] };
  function detailsOf(at) {
    const number = Math.floor(at / run.block);
    if (opened.number !== number) {
      const block = byId('d' + number);
      // The text of the last element may still be arriving.
      if (!block || (document.readyState === 'loading' && !block.nextElementSibling)) return null;
      opened = { number, lines: block.textContent.split('\n') };
    }
    return opened.lines[at % run.block] || null;
  }

  function fill(at, node) {
    const text = detailsOf(at);
    if (text) {
      try {
        node.replaceChildren();
        put(node, panel(rows[at], JSON.parse(text)));
      } catch (error) {
        node.replaceChildren(make('p', 'callout', 'This part of the page cannot be shown: ' + error));
      }
    } else if (document.readyState === 'loading') {
      node.replaceChildren(make('p', 'faint', 'The page is still loading…'));
      document.addEventListener('DOMContentLoaded', () => fill(at, node), { once: true });
    } else {
      node.replaceChildren(make('p', 'callout', 'The page is cut off: the details of this case are missing.'));
    }
  }

  // ---- Which cases are shown, and in which order

  const plan = rows.map((_, at) => at);
  const slowest = rows.reduce((most, row) => Math.max(most, row[ELAPSED]), 1);
  const orders = {
    plan: () => plan,
    verdict: () => ORDER.flatMap((verdict) => plan.filter((at) => rows[at][VERDICT] === verdict)),
    slowest: () => plan.slice().sort((a, b) => rows[b][ELAPSED] - rows[a][ELAPSED] || a - b),
  };
  const ordered = {};
  let prepared = null;

  const state = { verdicts: new Set(), q: '', suite: '', tag: '', check: '', cause: '', bodies: false, sort: 'verdict', open: new Set() };
  let shown = [], from = 0, to = 0;

  function filtered() {
    const order = ordered[state.sort] || (ordered[state.sort] = orders[state.sort]());
    return order.filter((at) => {
      const row = rows[at];
      return (state.verdicts.size === 0 || state.verdicts.has(row[VERDICT])) &&
        (!state.suite || row[SUITE] === state.suite) &&
        (!state.tag || row[TAGS].includes(state.tag)) &&
        (!state.check || row[CHECKS].includes(state.check)) &&
        (!state.cause || String(row[CAUSE]) === state.cause);
    });
  }

  const bodies = bodySearch(detailsOf);

  const list = byId('cases'), more = byId('more'), earlier = make('div', 'more');
  list.before(earlier);

  function caseNode(at) {
    const row = rows[at];
    const slash = row[ID].lastIndexOf('/') + 1;
    const runs = row[VERDICT] !== 'skipped' && row[VERDICT] !== 'not-run';
    const bar = make('span', 'bar', make('i', ''));
    bar.firstChild.style.width = Math.max(1, 100 * row[ELAPSED] / slowest) + '%';
    const head = button('row', '', () => toggle(node, at));
    put(head, [
      badge(row[VERDICT]), ' ',
      make('span', 'what',
        make('span', 'id', make('span', 'suite', row[ID].slice(0, slash)), make('b', '', row[ID].slice(slash))), ' ',
        row[NAME] && make('span', 'name', row[NAME]), ' ',
        row[TAGS].map((tag) => [make('span', 'tag', tag), ' ']),
        row[TRIES] > 0 && make('span', 'tag', row[TRIES] + 1 + ' tries'), ' ',
        row[VERDICT] !== 'passed' && row[TEXT] && make('span', 'why', row[TEXT].split('\n')[0])), ' ',
      make('span', 'time', runs ? duration(row[ELAPSED]) : '–', runs && bar),
    ]);
    const inside = make('div', 'panel');
    inside.id = 'p' + at;
    inside.hidden = true;
    head.setAttribute('aria-expanded', 'false');
    head.setAttribute('aria-controls', inside.id);
    const node = make('li', 'case ' + row[VERDICT], make('h3', '', head), inside);
    if (state.open.has(row[ID])) expand(node, at, true);
    return node;
  }

  function expand(node, at, open) {
    const inside = node.lastChild;
    if (open && !inside.hasChildNodes()) fill(at, inside);
    inside.hidden = !open;
    node.querySelector('.row').setAttribute('aria-expanded', String(open));
  }

  function toggle(node, at) {
    const open = node.lastChild.hidden;
    state.open[open ? 'add' : 'delete'](rows[at][ID]);
    expand(node, at, open);
    writeHash();
  }

  function grow(count) {
    const part = document.createDocumentFragment();
    const end = Math.min(shown.length, to + count);
    for (; to < end; to++) part.append(caseNode(shown[to]));
    list.append(part);
    border();
  }

  function growUp() {
    const start = Math.max(0, from - CHUNK);
    const part = document.createDocumentFragment();
    for (let at = start; at < from; at++) part.append(caseNode(shown[at]));
    from = start;
    list.prepend(part);
    border();
  }

  function border() {
    const left = shown.length - to;
    more.hidden = left === 0;
    if (left > 0) {
      more.replaceChildren(
        button('quiet', 'Show ' + figure(Math.min(left, CHUNK)) + ' more', () => grow(CHUNK)),
        button('quiet', 'Show all ' + figure(shown.length), all));
    }
    earlier.hidden = from === 0;
    if (from > 0) earlier.replaceChildren(button('quiet', 'Show the ' + figure(from) + ' before', growUp));
  }

  // In turns, so that the page stays alive.
  function all() {
    const drawn = shown;
    const step = () => {
      if (drawn !== shown || to >= shown.length) return;
      grow(500);
      setTimeout(step);
    };
    step();
  }

  /// Lists the cases that the filters choose, then calls `done`. A search in bodies takes its time, and lists nothing before.
  function draw(jump, done) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const candidates = filtered();
    bodies.stop();
    if (words.length === 0) return listed(candidates, jump, done);
    if (!prepared) {
      prepared = rows.map((row) => [row[ID], row[NAME] || '', row[URL_], row[TEXT], ...row[TAGS], ...row[CHECKS]]
        .join('\n').toLowerCase());
    }
    if (!state.bodies) {
      return listed(candidates.filter((at) => words.every((word) => prepared[at].includes(word))), jump, done);
    }
    if (document.readyState === 'loading') {
      document.addEventListener('DOMContentLoaded', () => draw(jump, done), { once: true });
      return undefined;
    }
    const report = (number) => {
      byId('shown').textContent = 'Searching: ' + Math.floor(100 * number / candidates.length) + '%';
    };
    return bodies.find(candidates, words, (at) => prepared[at], report, (found) => listed(found, jump, done));
  }

  function listed(cases, jump, done) {
    shown = cases;
    const wanted = jump && state.open.size > 0 ? shown.findIndex((at) => state.open.has(rows[at][ID])) : -1;
    // A link to a case far down begins the list there.
    from = wanted > 5 * CHUNK ? wanted - wanted % CHUNK : 0;
    to = from;
    list.replaceChildren();
    grow(CHUNK * (from === 0 && wanted > 0 ? Math.ceil((wanted + 1) / CHUNK) : 1));
    const narrow = state.verdicts.size > 0 || state.q || state.suite || state.tag || state.check || state.cause;
    byId('shown').textContent = (shown.length === rows.length ? '' : figure(shown.length) + ' of ') +
      plural(rows.length, 'case') + (shown.length === rows.length ? '' : ' shown');
    byId('reset').hidden = !narrow;
    byId('all').setAttribute('aria-pressed', String(state.verdicts.size === 0));
    for (const one of document.querySelectorAll('[data-verdict]')) {
      one.setAttribute('aria-pressed', String(state.verdicts.has(one.dataset.verdict)));
    }
    if (shown.length === 0 && rows.length > 0) {
      list.append(make('li', 'none', 'No case matches.'));
    }
    if (done) done(wanted);
  }

  // ---- The address contains the filters

  function writeHash() {
    const params = new URLSearchParams();
    if (state.verdicts.size > 0) params.set('verdict', ORDER.filter((one) => state.verdicts.has(one)).join(','));
    for (const key of ['q', 'suite', 'tag', 'check', 'cause']) if (state[key]) params.set(key, state[key]);
    if (state.bodies) params.set('in', 'bodies');
    if (state.sort !== 'verdict') params.set('sort', state.sort);
    for (const id of [...state.open].slice(0, 20)) params.append('open', id);
    const hash = params.toString();
    try {
      history.replaceState(null, '', hash ? '#' + hash : location.pathname + location.search);
    } catch { /* A frame without an address of its own. */ }
  }

  function readHash() {
    const params = new URLSearchParams(location.hash.slice(1));
    state.verdicts = new Set((params.get('verdict') || '').split(',').filter((one) => ORDER.includes(one)));
    for (const key of ['q', 'suite', 'tag', 'check', 'cause']) state[key] = params.get(key) || '';
    state.sort = Object.hasOwn(orders, params.get('sort') || '') ? params.get('sort') : 'verdict';
    state.open = new Set(params.getAll('open'));
    byId('find').value = state.q;
    state.bodies = params.get('in') === 'bodies';
    byId('bodies').checked = state.bodies;
    for (const key of ['suite', 'tag', 'check', 'sort']) {
      const select = byId(key);
      select.value = state[key];
      // A value that no case has is reported, not ignored.
      if (select.value !== state[key]) select.append(option(state[key], 0));
      select.value = state[key];
    }
    draw(true, (wanted) => {
      if (wanted < 0) return;
      const node = list.children[wanted - from];
      node.querySelector('.row').focus({ preventScroll: true });
      node.scrollIntoView({ block: 'start' });
    });
  }

  function change() {
    draw(false);
    writeHash();
  }

  // ---- Controls

  function option(value, count) {
    const node = say(document.createElement('option'), value + ' (' + figure(count) + ')', false);
    node.value = value;
    return node;
  }

  function select(id, column, any) {
    const counts = new Map();
    for (const row of rows) {
      for (const one of [row[column]].flat()) counts.set(one, (counts.get(one) || 0) + 1);
    }
    const node = byId(id);
    const first = make('option', '', any);
    first.value = '';
    node.append(first, ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, count]) => option(value, count)));
    node.parentElement.hidden = counts.size === 0 || (id === 'suite' && counts.size === 1);
    node.addEventListener('change', () => {
      state[id] = node.value;
      change();
    });
  }
  select('suite', SUITE, 'all suites');
  select('tag', TAGS, 'all tags');
  select('check', CHECKS, 'any finding or none');
  byId('sort').addEventListener('change', (event) => {
    state.sort = event.target.value;
    change();
  });

  const find = byId('find');
  let timer = 0;
  find.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      state.q = find.value.trim();
      change();
    }, rows.length > 2000 ? 200 : 60);
  });
  byId('bodies').addEventListener('change', (event) => {
    state.bodies = event.target.checked;
    change();
  });
  byId('controls').addEventListener('submit', (event) => event.preventDefault());
  byId('all').addEventListener('click', () => {
    state.verdicts.clear();
    change();
  });
  for (const one of document.querySelectorAll('[data-verdict]')) {
    one.addEventListener('click', () => {
      const verdict = one.dataset.verdict;
      state.verdicts[state.verdicts.has(verdict) ? 'delete' : 'add'](verdict);
      change();
    });
  }
  byId('reset').addEventListener('click', () => {
    Object.assign(state, { verdicts: new Set(), q: '', suite: '', tag: '', check: '', cause: '' });
    find.value = '';
    for (const key of ['suite', 'tag', 'check']) byId(key).value = '';
    change();
    find.focus();
  });
  byId('skip').addEventListener('click', (event) => {
    event.preventDefault();
    (list.querySelector('.row') || list).focus();
  });

  // ---- Keys

  function step(down) {
    const here = document.activeElement.closest('.case');
    if (!here) return list.querySelector('.row');
    if (down && !here.nextElementSibling && to < shown.length) grow(CHUNK);
    if (!down && !here.previousElementSibling && from > 0) growUp();
    const next = down ? here.nextElementSibling : here.previousElementSibling;
    return next && next.querySelector('.row');
  }

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target;
    if (target === find && event.key === 'ArrowDown') {
      event.preventDefault();
      const first = list.querySelector('.row');
      if (first) first.focus();
      return;
    }
    if (target.closest('input, select, textarea')) return;
    if (event.key === '/') {
      event.preventDefault();
      find.focus();
      find.select();
      return;
    }
    // The arrows scroll the page and what is open; between cases they go from a case.
    const arrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
    if (!(event.key === 'j' || event.key === 'k' || (arrow && target.closest('.row')))) return;
    const next = step(event.key === 'j' || event.key === 'ArrowDown');
    if (next) {
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: 'nearest' });
    }
  });

  // ---- Causes: a group lists its cases when it is opened

  const openCase = (at) => {
    location.hash = new URLSearchParams({ open: rows[at][ID] }).toString();
  };
  const extra = [...document.querySelectorAll('#causes > ol > li')].slice(8);
  if (extra.length > 1) {
    for (const one of extra) one.hidden = true;
    const rest = button('quiet', 'Show ' + figure(extra.length) + ' more causes', () => {
      for (const one of extra) one.hidden = false;
      rest.remove();
      extra[0].querySelector('summary').focus();
    });
    byId('causes').append(rest);
  }
  for (const group of document.querySelectorAll('[data-cause]')) {
    group.addEventListener('toggle', () => {
      const inside = group.lastElementChild;
      if (!group.open || inside.querySelector('ul')) return;
      const cases = plan.filter((at) => String(rows[at][CAUSE]) === group.dataset.cause);
      put(inside, [
        make('ul', 'ids', cases.slice(0, CHUNK).map((at) => make('li', '',
          button('quiet small', rows[at][ID], () => openCase(at)))),
          cases.length > CHUNK && make('li', 'faint', 'and ' + figure(cases.length - CHUNK) + ' more')),
        make('p', '', button('quiet', 'List only ' + (cases.length === 1 ? 'this case' : 'these ' + plural(cases.length, 'case')), () => {
          state.cause = group.dataset.cause;
          change();
          byId('over').scrollIntoView({ block: 'start' });
        })),
      ]);
    });
  }

  // ---- The timeline: drawn when it is open

  const requests = () => rows.flatMap((row, at) => {
    const times = row[TIMES], all = [];
    for (let i = 0; i + 1 < times.length; i += 2) all.push([times[i], times[i + 1], at, row[VERDICT]]);
    return all;
  });
  const timed = byId('timeline');
  const number = rows.reduce((sum, row) => sum + row[TIMES].length / 2, 0);
  timed.hidden = number < 2;
  timed.firstElementChild.append(' of ' + plural(number, 'request'));
  const showTimeline = () => {
    if (!timed.open || timed.hidden || timed.children.length > 1) return;
    timed.append(timeline(requests(), { make, say, figure, plural, duration, open: openCase, name: (at) => rows[at][ID] }));
  };
  timed.addEventListener('toggle', showTimeline);
  timed.open = number <= 20000;

  // ---- Lists besides the cases

  function note(title, ...inside) {
    const box = make('details', 'box', make('summary', '', title));
    put(box, inside);
    byId('notes').append(box);
  }

  if (run.warnings.length > 0) {
    const cases = run.warnings.reduce((sum, [, , count]) => sum + count, 0);
    note(plural(cases, 'warning') + (run.warnings.length > 1 ? ' of ' + figure(run.warnings.length) + ' kinds' : ''),
      make('ul', 'plain', run.warnings.map(([check, message, count]) => make('li', '',
        button('quiet small', plural(count, 'case'), () => {
          state.check = check;
          byId('check').value = check;
          change();
        }), ' ', make('code', '', check), ' ', message))));
  }
  const [pending, accepted] = [true, false].map((is) => run.pending.filter((one) => one.path.endsWith('.new') === is));
  for (const [title, snapshots] of [
    [' pending', pending],
    [' accepted', accepted],
  ]) {
    if (snapshots.length === 0) continue;
    note(plural(snapshots.length, 'snapshot') + title,
    snapshots === pending && make('p', 'plain', make('code', '', 'conforme review'), ' shows them.'), make('ul', 'plain', snapshots.slice(0, 1000).map((one) =>
      make('li', '', button('quiet small', 'Show', () => {
        location.hash = new URLSearchParams({ open: one.id }).toString();
      }), ' ', one.id, ' ', make('code', 'faint', one.path)))),
    snapshots.length > 1000 && make('p', 'faint', 'and ' + figure(snapshots.length - 1000) + ' more'));
  }
  if (run.unused.length > 0) {
    note(plural(run.unused.length, 'snapshot') + ' that no case uses',
      make('ul', 'plain', run.unused.slice(0, 1000).map((path) => make('li', '', make('code', '', path)))),
      run.unused.length > 1000 && make('p', 'faint', 'and ' + figure(run.unused.length - 1000) + ' more'));
  }
  const vars = Object.entries(run.target_vars || {});
  if (vars.length > 0) {
    const box = make('details', 'vars', make('summary', '', plural(vars.length, 'variable') + ' of the target'));
    byId('vars').append(put(box, [make('dl', '', vars.map(([name, value]) => make('div', '', make('dt', '', name),
      make('dd', '', make('code', '', typeof value === 'string' ? value : JSON.stringify(value))))))]));
  }

  themes(byId('theme'), root);

  // ---- Beginning

  for (const id of ['theme', 'controls', 'over', 'keys']) byId(id).hidden = false;
  const started = byId('started');
  if (started) started.title = new Date(started.dateTime).toLocaleString();
  readHash();
  window.addEventListener('hashchange', readHash);
  if ('IntersectionObserver' in window) {
    new IntersectionObserver((seen) => {
      if (seen.some((one) => one.isIntersecting) && to < shown.length) grow(CHUNK);
    }, { rootMargin: '600px' }).observe(more);
  }
  window.addEventListener('beforeprint', () => grow(2000));
  root.dataset.ready = String(Math.round(performance.now()));
})();
