import { execFileSync } from 'node:child_process'
import { defineConfig } from '@playwright/test'

/** Debian's Chromium, or another that is there: none is downloaded. */
function chromium(): string {
  if (process.env.AWEIGH_CHROMIUM) return process.env.AWEIGH_CHROMIUM
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    } catch {
      // The next one.
    }
  }
  throw new Error('no Chromium found: install chromium, or set AWEIGH_CHROMIUM')
}

export default defineConfig({
  testDir: 'tests/e2e',
  workers: 2,
  // These say when something hangs, not how fast it is: the machine may be busy.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})
