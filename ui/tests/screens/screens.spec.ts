// Pictures of every screen of a lively installation, in both languages and themes and on a phone: `make screens`
// writes them to ui/screens/, to be looked at.
import { mkdirSync } from 'node:fs'
import { expect, signIn, step, test as base } from '../e2e/rig'
import { Rig } from '../e2e/rig'
import { OPENERS, lively, look, screens } from '../e2e/screens'

const FOLDER = 'screens'

const test = base.extend<object, { fleet: Rig }>({
  fleet: [async ({}, use) => {
    const rig = await Rig.start(8)
    await use(rig)
    rig.stop()
  }, { scope: 'worker', timeout: 60_000 }],
})

test('pictures', async ({ page, fleet: rig }) => {
  mkdirSync(FOLDER, { recursive: true })
  await page.goto(rig.url)
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await page.screenshot({ path: `${FOLDER}/sign-in.png` })
  await signIn(page, rig.url)
  const { env, ids } = await lively(page, rig)
  await page.request.post(`${rig.url}/api/v1/releases/${ids[2]}/chat`, { data: { text: 'v3 has the new cart. Watching the warm-up.' }, headers: { Origin: rig.url } })
  for (const [look_, language, theme, width] of [['en-light', 'en', 'light', 1280], ['zh-dark', 'zh', 'dark', 1280], ['en-phone', 'en', 'light', 390], ['zh-phone', 'zh', 'dark', 390]] as const) {
    await look(page, rig.url, language, theme)
    await page.setViewportSize({ width, height: width < 500 ? 844 : 800 })
    for (const screen of screens(env.name, ids)) {
      await page.goto(rig.url + screen.path)
      await screen.ready(page)
      await page.screenshot({ path: `${FOLDER}/${screen.name}-${look_}.png` })
      for (const [index, opener] of (OPENERS[screen.name]?.(env.name) ?? []).entries()) {
        await page.locator(opener).click()
        if (opener.startsWith('#tab')) continue
        await expect(page.getByRole('dialog').getByRole('button').first()).toBeVisible()
        await page.screenshot({ path: `${FOLDER}/${screen.name}-dialog-${index + 1}-${look_}.png` })
        await page.keyboard.press('Escape')
      }
      if (screen.name !== 'release-rolled-back') continue
      await page.locator('#tab-chat').click()
      await expect(page.getByText('Thanks!')).toBeVisible()
      await page.screenshot({ path: `${FOLDER}/${screen.name}-chat-${look_}.png` })
    }
  }
  await look(page, rig.url, 'en', 'light')
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.goto(`${rig.url}/r/${ids[2]}`)
  await expect(step(page, 'web-1 after_upload: running')).toBeVisible()
  env.open()
})
