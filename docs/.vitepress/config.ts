/** The documentation site, which the service serves at /docs. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { settingsText } from './settings.ts';

const docs = path.resolve(import.meta.dirname, '..');
const repository = 'https://github.com/stagedoor/stagedoor';

/** The pages of a folder, each with its heading, in the order of their names. */
function pagesOf(folder: string): DefaultTheme.SidebarItem[] {
  return readdirSync(path.join(docs, folder))
    .filter((file) => /^[a-z0-9]/.test(file) && file.endsWith('.md') && file !== 'index.md')
    .sort()
    .map((file) => {
      const heading = /^# (.+)$/m.exec(readFileSync(path.join(docs, folder, file), 'utf8'))?.[1] ?? file;
      return { text: heading, link: `/${folder}/${file.replace(/\.md$/, '')}` };
    });
}

/** Files outside of docs/ that a page links to. They are pages of the repository, or of this site. */
function linkOutside(href: string): string {
  if (/^(\.\.\/)+\.env\.example/.test(href)) return '/settings';
  const outside =
    /^(?:\.\.\/)+((?:README|ARCHITECTURE|CONTRIBUTING|CHANGELOG|SECURITY|src|test|dev|bench|emulator|cli|client|samples|deploy(?=\/))\b.*)$/;
  const found = outside.exec(href)?.[1];
  return found === undefined ? href : `${repository}/blob/main/${found}`;
}

/**
 * VitePress writes two small scripts into each page. Here public/appearance.js does the same, so that the
 * Content-Security-Policy needs no exception for scripts.
 */
function withoutInlineScripts(html: string): string {
  const one = html.replace(
    /<script id="check-dark-mode">[\s\S]*?<\/script>/,
    '<script src="/docs/appearance.js"></script>',
  );
  const none = one.replace(/<script id="check-mac-os">[\s\S]*?<\/script>/, '');
  if (/<script(?![^>]*\bsrc=)[^>]*>/.test(none))
    throw new Error('A page has an inline script: browsers would not run it.');
  return none;
}

export default defineConfig({
  base: '/docs/',
  lang: 'en',
  title: 'Stagedoor',
  description: 'Who may enter which Amazon IVS stage and chat room, as what, and for how long',
  cleanUrls: true,
  metaChunk: true,
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  cacheDir: path.resolve(docs, '../.cache/vitepress'),
  // Without this, a change of the appearance writes a style element, which the Content-Security-Policy refuses.
  appearance: { disableTransition: false },
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/docs/icon.svg' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
    config(markdown) {
      markdown.core.ruler.before('normalize', 'stagedoor', (state) => {
        state.src = state.src.replace('<!-- settings -->', settingsText);
      });
      const open = markdown.renderer.rules['link_open'];
      markdown.renderer.rules['link_open'] = (tokens, at, options, env, self) => {
        const href = tokens[at]?.attrGet('href');
        if (href) tokens[at]?.attrSet('href', linkOutside(href));
        return open ? open(tokens, at, options, env, self) : self.renderToken(tokens, at, options);
      };
    },
  },
  ignoreDeadLinks: [/^\/api/], // the service has that page
  transformHtml: withoutInlineScripts,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Quickstart', link: '/quickstart' },
      { text: 'Providers', link: '/providers/' },
      { text: 'Problem codes', link: '/problems/' },
      { text: 'API', link: '/api', target: '_self' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'What Stagedoor is', link: '/' },
          { text: 'Quickstart', link: '/quickstart' },
          { text: 'Concepts', link: '/concepts' },
          { text: 'Frequent questions', link: '/faq' },
        ],
      },
      {
        text: 'Add it to your app',
        items: [
          { text: 'React', link: '/apps/react' },
          { text: 'Plain JavaScript', link: '/apps/javascript' },
          { text: 'Swift and Kotlin', link: '/apps/swift-kotlin' },
          { text: 'Identity providers', link: '/providers/', collapsed: true, items: pagesOf('providers') },
        ],
      },
      {
        text: 'Moderation',
        items: [
          { text: 'The console', link: '/console' },
          { text: 'Moderation guide', link: '/moderation' },
          { text: 'Signing in to the console', link: '/console-sign-in' },
          { text: 'Sessions and attendance', link: '/sessions' },
          { text: 'Events', link: '/events' },
          { text: 'Webhooks', link: '/webhooks' },
        ],
      },
      {
        text: 'Run it',
        items: [
          { text: 'Deploy', link: '/operations/deploy' },
          { text: 'Operations', link: '/operations' },
          { text: 'Scale', link: '/operations/scale' },
          { text: 'Upgrade', link: '/operations/upgrade' },
          { text: 'Back up', link: '/operations/back-up' },
          { text: 'Restore', link: '/operations/restore' },
          { text: 'Rotate', link: '/operations/rotate' },
          { text: 'Erase', link: '/operations/erase' },
          { text: 'The command line', link: '/cli' },
          { text: 'Settings', link: '/settings' },
          // An entry that folds needs a link: without one, VitePress nests a button in a button.
          {
            text: 'Watch, and the runbook',
            link: '/operations/watch',
            collapsed: true,
            items: pagesOf('operations/runbook'),
          },
          { text: 'Limits', link: '/limits' },
          { text: 'Faults', link: '/operations/faults' },
          { text: 'Growth', link: '/operations/growth' },
          { text: 'Threats', link: '/security/threats' },
          { text: 'Performance', link: '/performance' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'API', link: '/api', target: '_self' },
          { text: 'Problem codes', link: '/problems/', collapsed: true, items: pagesOf('problems') },
          { text: 'Decisions', link: '/decisions/', collapsed: true, items: pagesOf('decisions') },
        ],
      },
    ],
    footer: { message: 'Stagedoor is free software under the Apache License 2.0.' },
  },
});
