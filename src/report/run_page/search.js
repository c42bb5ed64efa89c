'use strict';
/// The text of a case that the search in bodies finds: URLs, headers and bodies of all requests and responses, in lower
/// case. `text` is the JSON of the details of the case.
function searchable(text) {
  const out = [];
  const content = (value) => {
    if (!value) return;
    if (value.text !== undefined) {
      out.push(value.text);
    } else if (value.base64 !== undefined) {
      try { out.push(atob(value.base64)); } catch { /* Not what a body is. */ }
    }
  };
  const fields = (list) => {
    for (const [name, value] of list || []) out.push(name + ': ' + value);
  };
  const attempt = (one) => {
    for (const step of one.steps || []) {
      if (!step.exchange) continue;
      const { request, outcome } = step.exchange;
      out.push(request.method + ' ' + request.url);
      fields(request.headers);
      content(request.body);
      const got = outcome.response || outcome.malformed || outcome.failure || {};
      fields(got.headers);
      fields(got.trailers);
      content(got.body);
      content(got.bytes);
      content(got.excess);
      if (got.message) out.push(got.message);
    }
  };
  const { case: one } = JSON.parse(text);
  for (const each of [one, ...one.previous || [], ...one.repeats || []]) attempt(each);
  return out.join('\n').toLowerCase();
}

/// Searches the details of cases a part at a time, so that the page stays alive. `block` returns the JSON of a case.
/// What was searched is kept, up to a size.
function bodySearch(block) {
  const KEPT = 64 * 1024 * 1024, SLICE = 30;
  const known = new Map();
  let size = 0, turn = 0;
  const textOf = (at) => {
    const kept = known.get(at);
    if (kept !== undefined) return kept;
    const json = block(at);
    let text = '';
    try { text = json === null ? '' : searchable(json); } catch { /* A page that is cut off. */ }
    if (size + text.length < KEPT) {
      size += text.length;
      known.set(at, text);
    }
    return text;
  };
  return {
    stop() { turn += 1; },
    /// Calls `done` with the indices among `all` whose own text or bodies contain each word, and `report` meanwhile.
    find(all, words, own, report, done) {
      turn += 1;
      const mine = turn, found = [];
      let next = 0;
      const step = () => {
        if (mine !== turn) return;
        const until = performance.now() + SLICE;
        while (next < all.length && performance.now() < until) {
          const at = all[next++];
          const left = words.filter((word) => !own(at).includes(word));
          if (left.length === 0 || left.every((word) => textOf(at).includes(word))) found.push(at);
        }
        if (next < all.length) {
          report(next);
          setTimeout(step);
        } else {
          done(found);
        }
      };
      step();
    },
  };
}
