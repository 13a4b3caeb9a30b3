// Two builds: the page into dist/page, and with --ssr the server into dist/server.
import { fileURLToPath } from 'node:url'

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// This repository's own package, as it is built: npm 9 does not link a workspace's root into its
// workspaces. An app of its own installs tako-channels and needs neither this nor the `paths` of
// tsconfig.json.
const sdk = (file: string) => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url))

export default defineConfig(({ isSsrBuild }) => ({
  plugins: [react()],
  resolve: {
    alias: [
      { find: /^tako-channels$/, replacement: sdk('index.js') },
      { find: /^tako-channels\/client$/, replacement: sdk('client/index.js') },
      { find: /^tako-channels\/react$/, replacement: sdk('react/index.js') },
    ],
  },
  build: {
    outDir: isSsrBuild === true ? 'dist/server' : 'dist/page',
    target: isSsrBuild === true ? 'node18' : 'es2022',
  },
}))
