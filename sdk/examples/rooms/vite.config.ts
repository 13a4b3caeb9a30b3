// Two builds: the page into dist/page, and with --ssr the server into dist/server.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig(({ isSsrBuild }) => ({
  plugins: [react()],
  build: {
    outDir: isSsrBuild === true ? 'dist/server' : 'dist/page',
    target: isSsrBuild === true ? 'node18' : 'es2022',
  },
}))
