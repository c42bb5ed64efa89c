'use strict';
/// Light and dark: `theme` is the button that changes it.
function themes(theme, root) {
  const THEMES = ['system', 'light', 'dark'];
  function light(name) {
    if (name === 'system') delete root.dataset.theme;
    else root.dataset.theme = name;
    theme.textContent = 'Theme: ' + name;
  }
  let kept = 'system';
  try { kept = localStorage.getItem('conforme-theme') || kept; } catch { /* Not kept, then. */ }
  light(THEMES.includes(kept) ? kept : 'system');
  theme.addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || 'system') + 1) % THEMES.length];
    light(next);
    try { localStorage.setItem('conforme-theme', next); } catch { /* Not kept, then. */ }
  });
}
