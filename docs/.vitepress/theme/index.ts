import theme from 'vitepress/theme-without-fonts';
import './style.css';

/** The API reference stood at /docs before. Links to one of its operations carry a fragment that begins with `#/`. */
function leaveForApiReference(): void {
  const { hash } = globalThis.location;
  if (hash.startsWith('#/')) globalThis.location.replace(`/docs/api${hash}`);
}

export default {
  extends: theme,
  enhanceApp() {
    if (!import.meta.env.SSR) leaveForApiReference();
  },
};
