import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compression } from 'vite-plugin-compression2';

export default defineConfig({
  base: '/console/',
  plugins: [
    react(),
    // The service sends these copies. It compresses nothing itself.
    compression({
      include: /assets\/.+\.(js|css|svg)$/,
      algorithms: ['gzip', 'brotliCompress'],
      threshold: 1_024,
      logLevel: 'silent',
    }),
  ],
  // What counts is the first load in compressed form, at most 250 kB: `npm run bench -- console` measures it.
  build: { target: 'es2022', sourcemap: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
});
