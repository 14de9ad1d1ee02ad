// Sets the dark appearance before the page is drawn, as the reader or their system has chosen. On a Mac, the search names
// the key that Macs have.
(() => {
  const chosen = localStorage.getItem('vitepress-theme-appearance') || 'auto';
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  if (chosen === 'auto' ? dark : chosen === 'dark') document.documentElement.classList.add('dark');
  document.documentElement.classList.toggle('mac', /Mac|iPhone|iPod|iPad/i.test(navigator.platform));
})();
