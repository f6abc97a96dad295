import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/** Compresses each asset in place, so that the server never compresses anything and the program holds none in full. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    // After everything else, from what lies on the disk: only then is a file what it will be.
    writeBundle({ dir = 'dist' }, bundle) {
      for (const fileName of Object.keys(bundle)) {
        if (!fileName.startsWith('assets/')) continue
        const path = join(dir, fileName)
        const source = readFileSync(path)
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11 }
        writeFileSync(`${path}.br`, brotliCompressSync(source, { params }))
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }))
        rmSync(path)
      }
    },
  }
}

const backend = process.env.AWEIGH_URL ?? 'http://127.0.0.1:7171'

export default defineConfig({
  plugins: [svelte(), compressed()],
  build: { target: 'es2023', modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { '/api': { target: backend, ws: true } } },
  test: { include: ['tests/unit/**/*.test.ts'], environment: 'node' },
})
