// Keys that are made by Aweigh: only the public half is ever shown.
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
})
