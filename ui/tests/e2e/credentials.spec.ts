// Keys that are made by Aweigh, of which only the public half is ever shown, and how they take the place of others.
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, signIn, test } from './rig'

test('a key is made here, and shows the line that lets it in', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/credentials/new`)
  const make = page.getByRole('button', { name: 'Make a new key' })
  await expect(make).toBeDisabled()
  await page.getByLabel('Name').fill('Bad Name')
  await make.click()
  await expect(page.getByRole('alert')).toBeVisible()
  const name = `made-${Date.now()}`
  await page.getByLabel('Name').fill(name)
  await make.click()
  await page.waitForURL(`${rig.url}/credentials/${name}`)
  const line = page.getByRole('region', { name: 'Line for authorized_keys' })
  await expect(line).toContainText(/ssh-ed25519 AAAA/)
  const stored = await (await page.request.get(`${rig.url}/api/v1/credentials/${name}`)).json()
  await expect(line.locator('code')).toHaveText(stored.public_key)
  expect(JSON.stringify(stored)).not.toContain('PRIVATE')

  // Nobody is logged in to with it, so another takes its place at once.
  const rotation = page.getByRole('region', { name: 'A new key everywhere' })
  await expect(rotation).toContainText('No server is logged in to with it')
  page.on('dialog', (asked) => void asked.accept())
  await rotation.getByRole('button', { name: 'Replace this key' }).click()
  await expect(rotation.getByRole('status')).toHaveText('The new key is in use, and no server knows the old one.')
  await expect(line.locator('code')).not.toHaveText(stored.public_key)
})

test('a key is replaced on every server: one that is in the way is named, and going on ends it', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const key = async (): Promise<string> => (await (await page.request.get(`${rig.url}/api/v1/credentials/deploy`)).json()).public_key
  const old = await key()
  const authorized = (server: number): string => join(rig.folder, `web-${server}`, 'home', '.ssh', 'authorized_keys')
  // This one lets the old key in from another file, where none is added.
  const elsewhere = join(rig.folder, 'web-3', 'more_keys')
  renameSync(authorized(3), elsewhere)
  await page.goto(`${rig.url}/credentials/deploy`)
  const rotation = page.getByRole('region', { name: 'A new key everywhere' })
  const servers = rotation.getByRole('listitem')
  await expect(servers).toHaveText([1, 2, 3].map((n) => `waiting web-${n} lets in the old key`))
  page.on('dialog', (asked) => void asked.accept())
  await rotation.getByRole('button', { name: 'Replace this key' }).click()
  await expect(rotation.getByRole('status')).toHaveText('The old key stays in use. Mend what is in the way, then go on.')
  await expect(servers).toHaveText(['waiting web-1 lets in both keys', 'waiting web-2 lets in both keys', /failed web-3 lets in the old key · .*authorized_keys/])
  expect(await key()).toBe(old)

  renameSync(elsewhere, authorized(3))
  await rotation.getByRole('button', { name: 'Go on' }).click()
  await expect(rotation.getByRole('status')).toHaveText('The new key is in use, and no server knows the old one.')
  await expect(servers).toHaveText([1, 2, 3].map((n) => `done web-${n} lets in the new key`))
  const now = await key()
  await expect(page.getByRole('region', { name: 'Line for authorized_keys' }).locator('code')).toHaveText(now)
  for (const server of [1, 2, 3]) expect(readFileSync(authorized(server), 'utf8').trim()).toBe(now)
})
