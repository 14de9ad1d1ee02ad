import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative paths: the built page works below any path of any server.
  base: './',
  plugins: [react()],
  // The broadcast SDK is large. It is a file of its own, which is loaded only for a real stage.
  build: { target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 4096 },
});
