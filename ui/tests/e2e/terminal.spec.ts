// The web terminal under the real policy of the page: typed and shown, resized, left by keyboard, ended, recorded and played.
import type { Page } from '@playwright/test'
import { expect, signIn, test } from './rig'

const screen = (page: Page) => page.locator('.xterm-rows')
const state = (page: Page) => page.locator('.whole').getByRole('status')

/** What the policy of the page refused; nothing may be. */
function refused(page: Page): string[] {
  const found: string[] = []
  page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) found.push(message.text()) })
  return found
}

async function open(page: Page, url: string, server = 'web-1'): Promise<void> {
  await page.goto(`${url}/servers/${server}/shell`)
  await expect(state(page)).toContainText('Open')
  await expect(page.getByRole('textbox', { name: `Shell on ${server}` })).toBeFocused()
  // What is typed before the shell asks for it may be thrown away.
  await expect(screen(page)).toContainText(/[#$]/)
}

test('what is typed is run, and drawn with its colours, under a policy without inline styles', async ({ page, rig }) => {
  const wrong = refused(page)
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/web-1`)
  await page.getByRole('link', { name: 'Open a shell' }).click()
  await expect(state(page)).toContainText('Open')
  await expect(screen(page)).toContainText(/[#$]/)
  await page.keyboard.type("printf 'o%sk \\033[31mred\\033[0m \\033[38;2;1;2;200mtrue\\033[0m \\347\\225\\214 <img src=x onerror=alert(1)>\\n' -\n")
  await expect(screen(page)).toContainText('o-k red true 界 <img src=x onerror=alert(1)>')
  const colour = (text: string) => screen(page).locator('span', { hasText: new RegExp(`^${text}$`) }).last().evaluate((one) => getComputedStyle(one).color)
  expect(await colour('red')).toBe('rgb(163, 22, 15)')
  expect(await colour('true')).toBe('rgb(1, 2, 200)')
  // Rows are as high as xterm.js measures them: its sheet is applied.
  const heights = await screen(page).locator('> div').evaluateAll((all) => all.slice(0, 2).map((one) => one.getBoundingClientRect().height))
  expect(heights[0]).toBeGreaterThan(12)
  expect(await page.locator('img').count()).toBe(0)
  expect(wrong).toEqual([])
})

test('an open shell is left only by whoever says so', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/web-1`)
  await page.getByRole('link', { name: 'Open a shell' }).click()
  await expect(screen(page)).toContainText(/[#$]/)
  const asked: string[] = []
  let stays = true
  page.on('dialog', (dialog) => { asked.push(dialog.message()); void (stays ? dialog.dismiss() : dialog.accept()) })
  await page.getByRole('link', { name: 'Board' }).click()
  await page.goBack()
  await expect.poll(() => asked.length).toBe(2)
  expect(asked[0]).toContain('The shell is open')
  await expect(page).toHaveURL(/\/servers\/web-1\/shell$/)
  await expect(state(page)).toContainText('Open')
  await page.getByRole('textbox', { name: 'Shell on web-1' }).focus()
  await page.keyboard.type('echo st$((1))ll\n')
  await expect(screen(page)).toContainText('st1ll')
  stays = false
  await page.getByRole('link', { name: 'Board' }).click()
  await expect(page).toHaveURL(`${rig.url}/`)
  expect(asked).toHaveLength(3)
})

test('what a server writes stays in the terminal', async ({ page, rig }) => {
  const bad: string[] = refused(page)
  page.on('dialog', (dialog) => { bad.push(dialog.message()); void dialog.dismiss() })
  page.on('popup', () => bad.push('popup'))
  await signIn(page, rig.url)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await open(page, rig.url)
  await page.evaluate(() => navigator.clipboard.writeText('mine'))
  await page.getByRole('textbox', { name: 'Shell on web-1' }).focus()
  await page.keyboard.type("printf '\\033]0;evil\\007\\033]52;c;ZXZpbA==\\007\\033]8;;https://evil.example/\\033\\\\a link\\033]8;;\\033\\\\ %s\\n' en'd'\n")
  await expect(screen(page)).toContainText('a link end')
  await screen(page).locator('span', { hasText: 'a link' }).last().click({ force: true })
  await page.keyboard.type('echo a$((1+1))fter\n')
  await expect(screen(page)).toContainText('a2fter')
  expect(await page.title()).toBe('Shell on web-1 · Aweigh')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine')
  expect(bad).toEqual([])
})

test('the shell knows how large the window is, and hears when it changes', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await open(page, rig.url)
  const shown = async (): Promise<string> => /(\d+) × (\d+)/.exec((await state(page).textContent()) ?? '')?.slice(1, 3).reverse().join(' ') ?? ''
  await page.keyboard.type('echo size $(stty size).\n')
  await expect(screen(page)).toContainText(`size ${await shown()}.`)
  const before = await shown()
  await page.setViewportSize({ width: 900, height: 620 })
  await expect.poll(shown).not.toBe(before)
  await page.keyboard.type('echo now $(stty size).\n')
  await expect(screen(page)).toContainText(`now ${await shown()}.`)
})

test('keys go to the shell, and Ctrl+Shift+Enter leaves it', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await open(page, rig.url)
  await page.keyboard.type('echo as$((1+1))leep; sleep 100\n')
  await expect(screen(page)).toContainText('as2leep')
  await page.keyboard.press('Control+c')
  await page.keyboard.type('echo in$((1+1))terrupted\n')
  await expect(screen(page)).toContainText('in2terrupted')
  // The shell has Tab for itself.
  await page.keyboard.press('Tab')
  await expect(page.getByRole('textbox', { name: 'Shell on web-1' })).toBeFocused()
  await page.keyboard.press('Control+Shift+Enter')
  await expect(page.getByRole('button', { name: 'Hang up' })).toBeFocused()
})

test('what is selected is copied, and what is pasted is typed', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await open(page, rig.url)
  await page.evaluate(() => navigator.clipboard.writeText('echo pa$((1+1))sted'))
  await page.getByRole('button', { name: 'Paste' }).click()
  // Until the browser has given the text, the button has the keyboard.
  await expect(screen(page)).toContainText('sted')
  await page.keyboard.press('Enter')
  await expect(screen(page)).toContainText('pa2sted')
  await screen(page).getByText('pa2sted', { exact: false }).last().dblclick({ force: true })
  await page.keyboard.press('Control+Shift+C')
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain('pa2sted')
})

test('an ended shell says how it ended, and a new one is a new one', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await open(page, rig.url)
  await page.keyboard.type('exit 7\n')
  await expect(state(page)).toHaveText('The shell has ended with exit code 7.')
  await expect(page.getByRole('button', { name: 'Open a new shell' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(state(page)).toContainText('Open')
  await expect(screen(page)).toContainText(/[#$]/)
  await page.keyboard.type('echo a$((1+1))new\n')
  await expect(screen(page)).toContainText('a2new')
  await page.getByRole('button', { name: 'Hang up' }).click()
  await expect(state(page)).toHaveText('The shell is closed.')
})

test('a shell that cannot be had says why', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/nowhere/shell`)
  await expect(state(page)).toContainText('nowhere')
  await expect(page.getByRole('button', { name: 'Open a new shell' })).toBeVisible()
})

test('what a shell showed can be found and played: with pause, speed and any place', async ({ page, rig }) => {
  const wrong = refused(page)
  await signIn(page, rig.url)
  await open(page, rig.url, 'web-2')
  await page.keyboard.type('echo first $((1+1))\n')
  await expect(screen(page)).toContainText('first 2')
  await page.keyboard.type('echo second $((2+2))\n')
  await expect(screen(page)).toContainText('second 4')
  await page.keyboard.type('exit\n')
  await expect(state(page)).toContainText('has ended')

  await page.goto(`${rig.url}/servers/web-2`)
  await page.getByRole('link', { name: 'Recordings' }).click()
  const row = page.getByRole('table', { name: 'Recordings' }).locator('tbody tr').first()
  await expect(row).toContainText('web-2')
  await expect(row).toContainText('admin')
  await expect(row).toContainText('exit code 0')
  await row.getByRole('link', { name: /^Play recording/ }).click()
  const position = page.getByRole('slider', { name: 'Position' })
  await page.getByLabel('Speed').selectOption('8')
  await page.getByRole('button', { name: 'Play', exact: true }).click()
  await expect(screen(page)).toContainText('second 4')
  await expect(page.getByRole('button', { name: 'Play again' })).toBeVisible()
  // Back to the beginning nothing is shown, and at the end everything is.
  await position.focus()
  await page.keyboard.press('Home')
  await expect(screen(page)).not.toContainText('first 2')
  await page.keyboard.press('End')
  await expect(screen(page)).toContainText('second 4')
  await page.getByLabel('Skip pauses').uncheck()
  await expect(screen(page)).toContainText('first 2')
  // While nothing is played the page asks for no frame; the terminal may have its last one to draw.
  const asked = await page.evaluate(async () => {
    let count = 0
    const ask = window.requestAnimationFrame.bind(window)
    window.requestAnimationFrame = (frame) => { count += 1; return ask(frame) }
    for (let n = 0; n < 30; n++) await new Promise(ask)
    return count
  })
  expect(asked).toBeLessThan(5)
  expect(wrong).toEqual([])
})
