// Environments that somebody locked, and servers that run something else than they should.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onBoard, release, signIn, test, verdict } from './rig'

test('an environment is locked and unlocked on the page', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  env.open()
  await page.goto(`${rig.url}/p/shop`)
  const card = page.getByRole('article', { name: env.name, exact: true })
  const dialog = page.getByRole('dialog')
  await card.getByRole('button', { name: 'Lock…' }).click()
  // An end that is over already is refused where it was written.
  await dialog.getByLabel('Reason').fill('stocktaking')
  await dialog.getByLabel('Until').fill('2020-01-01T10:00')
  await dialog.getByRole('button', { name: 'Lock' }).click()
  await expect(dialog.getByLabel('Until')).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByLabel('Until').fill('2099-01-01T10:00')
  await dialog.getByRole('button', { name: 'Lock' }).click()
  await expect(card).toContainText('Locked by admin until 1 Jan 2099, 10:00 stocktaking')
  await page.goto(rig.url)
  await expect(onBoard(page, env)).toContainText('Locked by admin until 1 Jan 2099, 10:00 stocktaking')

  await page.goto(`${rig.url}/p/shop`)
  await card.getByRole('button', { name: 'Unlock…' }).click()
  await expect(dialog).toContainText('stocktaking')
  await dialog.getByRole('button', { name: 'Unlock' }).click()
  await expect(card.getByRole('button', { name: 'Lock…' })).toBeVisible()
  await expect(card).not.toContainText('stocktaking')
})

test('a release to a locked environment is refused with the reason', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  env.open()
  for (const ref of ['v1', 'v2']) {
    await release(page, rig.url, env.name, ref)
    await expect(verdict(page)).toHaveText('succeeded')
  }
  // A rollback locks its environment, for everybody.
  await page.getByRole('button', { name: 'Roll back…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Roll back to release/ }).click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('rollback')
  await expect(verdict(page)).toHaveText('succeeded')
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&ref=v3`)
  await page.getByRole('button', { name: /^Release v3/ }).click()
  await expect(page.getByRole('alert')).toContainText('is locked: rolled back by release')
  await expect(page.getByRole('alert')).toContainText('ask first')
})

test('servers are compared with what they should run, and brought up to date', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  env.open()
  const id = await release(page, rig.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded')
  await page.goto(`${rig.url}/p/shop`)
  const card = page.getByRole('article', { name: env.name, exact: true })
  const compare = card.getByRole('button', { name: 'Compare with the servers' })
  const dialog = page.getByRole('dialog')
  await compare.click()
  await expect(dialog).toContainText(`Every server runs what is live, release ${id}.`)
  await expect(dialog.getByRole('button', { name: 'Bring them up to date' })).toHaveCount(0)

  // Somebody switched by hand.
  const folder = join(rig.folder, 'web-2', 'home', env.name)
  mkdirSync(join(folder, 'mine'))
  rmSync(join(folder, 'current'))
  symlinkSync('mine', join(folder, 'current'))
  await dialog.getByRole('button', { name: 'Ask again' }).click()
  await expect(dialog.getByRole('row', { name: /web-2/ })).toContainText('foreign')
  await expect(dialog).toContainText(`1 server does not run what is live, release ${id}.`)
  // Everybody sees it, until somebody says that it is right so.
  await expect(card).toContainText('1 server runs something else')
  await dialog.getByRole('button', { name: 'It is right so' }).click()
  await expect(dialog.getByRole('row', { name: /web-2/ })).toContainText('accepted by admin')
  await expect(dialog.getByRole('button', { name: 'It is right so' })).toHaveCount(0)
  await page.goto(`${rig.url}/`)
  await expect(onBoard(page, env)).not.toContainText('something else')
  await page.goto(`${rig.url}/p/shop`)
  await compare.click()
  await dialog.getByRole('button', { name: 'Bring them up to date' }).click()
  await page.waitForURL((url) => url.pathname === `/r/${id + 1}`)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('catch-up')
  await expect(verdict(page)).toHaveText('succeeded')
  await page.goto(`${rig.url}/history?env=${env.name}`)
  await expect(page.getByRole('row', { name: /catch-up/ })).toBeVisible()
})

test('a release may take the place of those that wait', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  const first = await release(page, rig.url, env.name, 'v1')
  const busy = async (ref: string, button: string): Promise<void> => {
    await page.goto(`${rig.url}/p/shop/new?env=${env.name}&ref=${ref}`)
    await page.getByRole('button', { name: new RegExp(`^Release ${ref}`) }).click()
    await expect(page.getByRole('alert')).toContainText(`Release ${first} is not finished yet.`)
    await page.getByRole('button', { name: button }).click()
    await expect(verdict(page)).toHaveText('queued')
  }
  await busy('v2', 'Wait behind it')
  await busy('v3', 'Wait in place of the others')
  await page.goto(`${rig.url}/r/${first + 1}`)
  await expect(verdict(page)).toHaveText('superseded')
  env.open()
  await page.goto(`${rig.url}/r/${first + 2}`)
  await expect(verdict(page)).toHaveText('succeeded')
})
