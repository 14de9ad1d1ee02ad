import { defineConfig } from 'vite';

/** React's development build, because only that one runs each effect twice in strict mode. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  mode: 'development',
  oxc: { jsx: { runtime: 'automatic' } },
  define: { 'process.env.NODE_ENV': '"development"' },
  build: { target: 'es2022', minify: false, emptyOutDir: true, chunkSizeWarningLimit: 8192 },
});
