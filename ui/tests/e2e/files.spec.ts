// Files and folders to servers and from them, through the page.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { type Rig, expect, signIn, test } from './rig'

const files = (page: Page) => page.getByRole('region', { name: 'Files' })
const at = (rig: Rig, server: number, ...path: string[]): string => join(rig.folder, `web-${server}`, 'home', ...path)

async function choose(page: Page, rig: Rig, servers: string): Promise<void> {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/run?servers=${encodeURIComponent(servers)}`)
}

test('a file goes to every chosen server, byte for byte', async ({ page, rig }) => {
  await choose(page, rig, 'web-1,web-2')
  const name = `界 ${Date.now()}.bin`
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251))
  await files(page).getByLabel('File', { exact: true }).setInputFiles({ name, mimeType: 'application/octet-stream', buffer: bytes })
  await files(page).getByLabel('To', { exact: true }).fill(`~/${name}`)
  await files(page).getByRole('button', { name: 'Bring it to 2 servers' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 2 servers.')
  await expect(files(page).getByRole('listitem').first()).toContainText('1 file, 300 kB')
  for (const server of [1, 2]) expect(readFileSync(at(rig, server, name)).equals(bytes)).toBe(true)
  expect(statSync(at(rig, 1, name)).mode & 0o777).toBe(0o644)
})

test('of a place, files go to its servers only', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page, {}, { servers: 'web-1' })
  await page.goto(`${rig.url}/run?servers=all`)
  await page.getByLabel('Where').selectOption(`shop/${env.name}`)
  const name = `only-${Date.now()}`
  await files(page).getByLabel('File', { exact: true }).setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from('x\n') })
  await files(page).getByLabel('To', { exact: true }).fill(`~/${name}`)
  await files(page).getByRole('button', { name: 'Bring it to 1 server' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 1 server.')
  expect([1, 2, 3].map((server) => existsSync(at(rig, server, name)))).toEqual([true, false, false])
  await files(page).getByLabel('Fetch from the servers').check()
  await files(page).getByLabel('From', { exact: true }).fill(`~/${name}`)
  await files(page).getByRole('button', { name: 'Fetch it from 1 server' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 1 server.')
  await expect(files(page).getByRole('listitem')).toHaveCount(1)
})

test('a screen with files on their way is left only by whoever says so', async ({ page, rig }) => {
  await choose(page, rig, 'web-1')
  // It is under way until somebody ends it.
  await page.route('**/api/v1/put?*', () => {})
  await files(page).getByLabel('File', { exact: true }).setInputFiles({ name: 'x', mimeType: 'text/plain', buffer: Buffer.from('x\n') })
  await files(page).getByLabel('To', { exact: true }).fill('~/x')
  await files(page).getByRole('button', { name: 'Bring it to 1 server' }).click()
  await expect(files(page).getByRole('button', { name: 'Stop it' })).toBeVisible()
  const asked: string[] = []
  page.on('dialog', (dialog) => { asked.push(dialog.message()); void dialog.dismiss() })
  await page.getByRole('link', { name: 'Board' }).click()
  await expect(files(page).getByRole('button', { name: 'Stop it' })).toBeVisible()
  expect(asked).toEqual([expect.stringContaining('Files are on their way')])
  await files(page).getByRole('button', { name: 'Stop it' }).click()
  await expect(files(page).getByRole('status')).toHaveText('Stopped.')
  await page.getByRole('link', { name: 'Board' }).click()
  await expect(page).toHaveURL(`${rig.url}/`)
  expect(asked).toHaveLength(1)
})

test('a folder goes whole, and is told where it may not go', async ({ page, rig }) => {
  await choose(page, rig, 'web-1')
  const folder = join(rig.folder, `site-${Date.now()}`)
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), '<p>hello\n')
  writeFileSync(join(folder, 'deep', 'er', 'x'), 'x\n')
  await files(page).getByLabel('It is a folder').check()
  await files(page).getByLabel('Folder', { exact: true }).setInputFiles(folder)
  await files(page).getByLabel('To', { exact: true }).fill('..')
  await files(page).getByRole('button', { name: 'Bring it to 1 server' }).click()
  await expect(files(page).getByLabel('To', { exact: true })).toHaveAttribute('aria-invalid', 'true')
  await files(page).getByLabel('To', { exact: true }).fill('~/site')
  await files(page).getByRole('button', { name: 'Bring it to 1 server' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 1 server.')
  expect(readFileSync(at(rig, 1, 'site', 'deep', 'er', 'x'), 'utf8')).toBe('x\n')
})

test('what servers have is fetched into one file with a folder for each', async ({ page, rig }) => {
  await choose(page, rig, 'web-1,web-2')
  for (const server of [1, 2]) writeFileSync(at(rig, server, 'who'), `server ${server}\n`)
  await files(page).getByLabel('Fetch from the servers').check()
  await files(page).getByLabel('From', { exact: true }).fill('~/who')
  await files(page).getByRole('button', { name: 'Fetch it from 2 servers' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 2 servers.')
  const coming = page.waitForEvent('download')
  await files(page).getByRole('link', { name: 'Save what came' }).click()
  const tar = join(rig.folder, `got-${Date.now()}.tar`)
  await (await coming).saveAs(tar)
  expect(execFileSync('tar', ['-xOf', tar, 'web-2/who'], { encoding: 'utf8' })).toBe('server 2\n')
  await files(page).getByLabel('From', { exact: true }).fill('~/nothing-there')
  await files(page).getByRole('button', { name: 'Fetch it from 2 servers' }).click()
  await expect(files(page).getByRole('status')).toHaveText('It went well on 0 servers and failed on 2.')
})
