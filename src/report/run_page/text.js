'use strict';
// Text of the page: what is unsafe is spelled out, numbers are formatted, and JSON is indented.
// What moves, hides or reverses text is spelled out, as on the terminal.
const UNSAFE = '[\\0-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff' +
  '\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\u{10ff80}-\\u{10ffff}]';
const ONE = new RegExp(UNSAFE, 'u');
const EACH = new RegExp(UNSAFE, 'gu');
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const spelled = (c) => {
  const code = c.codePointAt(0);
  // Bytes of header fields that are not UTF-8.
  if (code >= 0x10ff80) return '\\x' + (code - 0x10ff00).toString(16);
  return SHORT[c] || '\\u{' + code.toString(16) + '}';
};

const figure = (number) => number.toLocaleString('en-US');
const plural = (number, what) => figure(number) + ' ' + what + (number === 1 ? '' : 's');
function duration(micros) {
  if (micros < 1e3) return micros + ' µs';
  if (micros < 1e6) return (micros < 1e4 ? (micros / 1e3).toFixed(1) : Math.floor(micros / 1e3)) + ' ms';
  if (micros < 6e7) return (Math.floor(micros / 1e4) / 100).toFixed(2) + ' s';
  return Math.floor(micros / 6e7) + ' min ' + Math.floor(micros % 6e7 / 1e6) + ' s';
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/// JSON with line breaks. Its tokens stay as they came: numbers, escapes and double keys are what is looked for.
function indented(text) {
  try { JSON.parse(text); } catch { return null; }
  const parts = [];
  let depth = 0, size = 0, last = '';
  const line = () => '\n' + '  '.repeat(depth);
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    const opened = last === '{' || last === '[';
    if (closes) depth -= 1;
    const before = closes ? (opened ? '' : line())
      : opened || last === ',' ? line()
        : last === ':' ? ' ' : '';
    if (token === '{' || token === '[') depth += 1;
    parts.push([before, token]);
    size += before.length + token.length;
    // Deep nesting would be mostly white space.
    if (depth > 100 || size > 1e6) return null;
    last = token;
  }
  return parts;
}
