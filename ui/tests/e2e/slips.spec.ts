// What somebody wrote, chose or looks at is not lost by a slip, by a network that fails, or by what others do meanwhile.
import { expect, release, signIn, step, test, verdict } from './rig'

test('a form sends what nobody touched as it is stored, and what lines cannot say can only be read', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const hooks = { before_activate: 'set -e\necho one\necho two', after_verify: [{ name: 'tell', run: 'true', once: true }], after_activate: ['echo a', 'echo b'], on_failure: [] }
  const env = await rig.environment(page, hooks, { linked_files: [], on_interrupt: 'hold' })
  const stored = async () => (await page.request.get(`${rig.url}/api/v1/projects/shop/environments/${env.name}`)).json()
  const before = await stored()
  await page.goto(`${rig.url}/p/shop/e/${env.name}`)
  for (const [label, text] of [['Before the switch', 'set -e\necho one\necho two'], ['After the health check', /"once": true/], ['When it failed (control host)', '[]'], ['Linked files', '[]'], ['Health checks', /"deadline": "2s"/]] as const) {
    const field = page.getByLabel(label)
    await expect(field).toHaveValue(text)
    await expect(field).not.toBeEditable()
    await expect(field).toHaveAccessibleDescription(/here it can only be read/)
  }
  await page.getByLabel('Releases that are kept').fill('ten')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByLabel('Releases that are kept')).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Releases that are kept').fill('7')
  await page.getByLabel('After the switch (restart)').fill('echo c')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.waitForURL(/\/p\/shop$/)
  expect(await stored()).toEqual({ ...before, keep: 7, hooks: { ...before.hooks, after_activate: 'echo c' } })
})

test('a form that is saved sends what was changed in it, and undoes nothing that others changed meanwhile', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const headers = { Origin: rig.url }
  const api = (path: string): string => `${rig.url}/api/v1${path}`
  const stored = async (path: string) => (await page.request.get(api(path))).json()
  const make = async (path: string, data: object): Promise<void> => {
    const made = await page.request.post(api(path), { data, headers })
    expect(made.status(), await made.text()).toBe(201)
  }
  const others = async (path: string, data: object): Promise<void> => {
    const changed = await page.request.patch(api(path), { data, headers })
    expect(changed.status(), await changed.text()).toBe(200)
  }
  const written: unknown[] = []
  page.on('request', (asked) => { if (/^(PUT|PATCH)$/.test(asked.method())) written.push([asked.method(), asked.postDataJSON()]) })
  const save = page.getByRole('button', { name: 'Save' })

  const server = '/servers/shared'
  await make('/servers', { name: 'shared', host: '127.0.0.1', port: 1, user: 'nobody', credential: 'deploy', labels: { use: 'spare', old: 'x' } })
  await page.goto(`${rig.url}/servers/shared`)
  await expect(page.getByLabel('Labels')).toHaveValue('old=x\nuse=spare')
  await others(server, { user: 'somebody', labels: { env: 'test' }, variables: { WORKERS: '8' } })
  await page.getByLabel('Port').fill('2')
  await page.getByLabel('Labels').fill('use=spare')
  await save.click()
  await expect(page.getByLabel('User', { exact: true })).toHaveValue('somebody')
  await expect(save).toBeEnabled()
  expect(await stored(server)).toMatchObject({ port: 2, user: 'somebody', variables: { WORKERS: '8' } })
  expect((await stored(server)).labels).toEqual({ use: 'spare', env: 'test' })
  // Where nothing was changed, nothing is sent.
  await save.click()
  await expect(save).toBeEnabled()

  const env = await rig.environment(page, { after_activate: 'echo a', after_verify: 'echo b' }, { linked_dirs: 'uploads' })
  const environment = `/projects/shop/environments/${env.name}`
  await page.goto(`${rig.url}/p/shop/e/${env.name}`)
  await expect(page.getByLabel('After the switch (restart)')).toHaveValue('echo a')
  await others(environment, { keep: 9, hooks: { after_verify: 'echo theirs' } })
  await page.getByLabel('After the switch (restart)').fill('')
  await page.getByLabel('Linked folders').fill('')
  await save.click()
  await page.waitForURL(/\/p\/shop$/)
  const { hooks, keep, linked_dirs } = await stored(environment)
  expect([hooks.after_verify, hooks.after_activate, keep, linked_dirs]).toEqual(['echo theirs', undefined, 9, undefined])

  const project = '/projects/joint'
  await make('/projects', { name: 'joint', repository: `file://${rig.repo}`, build: { run: 'true', output: 'dist' } })
  await page.goto(`${rig.url}/p/joint/settings`)
  await expect(page.getByLabel('What is packed')).toHaveValue('dist')
  await others(project, { build: { run: 'make' }, variables: { LOG_LEVEL: 'info' } })
  await page.getByLabel('What is packed').fill('')
  await page.getByLabel('Left out').fill('docs')
  await save.click()
  await page.waitForURL(/\/p\/joint$/)
  expect(await stored(project)).toMatchObject({ build: { run: 'make', exclude: 'docs' }, variables: { LOG_LEVEL: 'info' } })

  expect(written).toEqual([
    ['PATCH', { port: 2, labels: { old: null } }],
    ['PATCH', { hooks: { after_activate: null }, linked_dirs: null }],
    ['PATCH', { build: { output: null, exclude: ['docs'] } }],
  ])
  for (const path of [server, project]) await page.request.delete(api(path), { headers })
})

test('a form in which something was changed is left only by whoever says so, and one that was saved without a question', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const asked: string[] = []
  let stays = true
  page.on('dialog', (dialog) => { asked.push(dialog.message()); void (stays ? dialog.dismiss() : dialog.accept()) })
  const servers = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Servers' })
  const labels = page.getByLabel('Labels')
  const save = page.getByRole('button', { name: 'Save' })
  const open = async (): Promise<void> => {
    await page.getByRole('link', { name: 'web-2', exact: true }).click()
    await expect(labels).toHaveValue(/role=web/)
  }
  const list = page.getByRole('heading', { level: 1, name: 'Servers' })
  await servers.click()
  await open()
  await servers.click()
  await expect(list).toBeVisible()
  expect(asked).toEqual([])

  await open()
  await labels.fill('role=web\nnote=y')
  await servers.click()
  await expect(labels).toHaveValue('role=web\nnote=y')
  expect(asked).toEqual(['What you changed here is not saved. Lose it?'])
  await save.click()
  await expect(save).toBeEnabled()
  await servers.click()
  await expect(list).toBeVisible()
  expect(asked).toHaveLength(1)

  await open()
  await labels.fill('role=web\nnote=z')
  stays = false
  await servers.click()
  await expect(list).toBeVisible()
  expect(asked).toHaveLength(2)
  await open()
  await expect(labels).toHaveValue('note=y\nrole=web')
  await page.request.patch(`${rig.url}/api/v1/servers/web-2`, { data: { labels: { note: null } }, headers: { Origin: rig.url } })
})

test('what is not there is said to be missing, and no form would make it', async ({ page, rig }) => {
  await signIn(page, rig.url)
  for (const [path, what] of [['servers', 'server'], ['credentials', 'credential']] as const) {
    await page.goto(`${rig.url}/${path}/nowhere`)
    await expect(page.getByRole('alert')).toContainText(`there is no ${what} nowhere`)
    await expect(page.locator('form')).toHaveCount(0)
    await page.goto(`${rig.url}/${path}/new`)
    await expect(page.getByRole('button', { name: 'Create' })).toBeVisible()
    await expect(page.getByRole('alert')).toHaveCount(0)
  }
})

test('what was found for one choice is not shown for another', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  let answer: () => void = () => {}
  const held = new Promise<void>((done) => { answer = done })
  await page.route(/\/api\/v1\/releases\?plan=1/, async (route) => {
    if ((route.request().postDataJSON() as { ref: string }).ref === 'v2') await held
    await route.continue()
  })
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&ref=v1`)
  await expect(page.getByText('This is the first release here.')).toBeVisible()
  await page.getByRole('combobox', { name: 'What' }).fill('v2')
  await expect(page.getByRole('button', { name: 'Looking…' })).toBeDisabled()
  await expect(page.getByText('This is the first release here.')).toHaveCount(0)
  await page.getByRole('combobox', { name: 'What' }).fill('')
  await expect(page.getByRole('button', { name: 'Choose what to release' })).toBeDisabled()
  await page.getByRole('combobox', { name: 'What' }).fill('v2')
  await expect(page.getByRole('button', { name: 'Looking…' })).toBeDisabled()
  answer()
  await expect(page.getByRole('button', { name: /^Release v2/ })).toBeEnabled()
})

test('a way back shows what goes with it, and says when nobody knows', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  env.open()
  const first = await release(page, rig.url, env.name, 'v1')
  for (const ref of ['v1', 'v2', 'v3']) {
    if (ref !== 'v1') await release(page, rig.url, env.name, ref)
    await expect(verdict(page)).toHaveText('succeeded')
  }
  const commit = (await (await page.request.get(`${rig.url}/api/v1/releases/${first}`)).json()).release.commit as string
  let answer: () => void = () => {}
  const held = new Promise<void>((done) => { answer = done })
  await page.route(`**/changes?*ref=${commit}*`, async (route) => { await held; await route.fulfill({ status: 503, json: { detail: 'the mirror is gone', code: 'unavailable' } }) })
  await page.getByRole('button', { name: 'Roll back…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Make v3')
  await dialog.getByRole('radio').nth(1).check()
  await expect(dialog.getByRole('button', { name: `Roll back to release ${first}` })).toBeVisible()
  await expect(dialog).not.toContainText('Make v3')
  answer()
  await expect(dialog.getByRole('alert')).toContainText('the mirror is gone')
})

test('a dialog is closed by a press beside it alone, and gives the focus back', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  await page.goto(`${rig.url}/p/shop`)
  const lock = page.getByRole('article', { name: env.name, exact: true }).getByRole('button', { name: 'Lock…' })
  const dialog = page.getByRole('dialog')
  await lock.click()
  const words = await dialog.getByText('Nobody but you releases there').boundingBox()
  if (!words) throw new Error('there is nothing to select')
  // A text is selected, and the pointer slips out of the dialog.
  await page.mouse.move(words.x + 80, words.y + 5)
  await page.mouse.down()
  await page.mouse.move(5, words.y + 5, { steps: 5 })
  await page.mouse.up()
  await expect(dialog).toBeVisible()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(lock).toBeFocused()
  await lock.click()
  await page.mouse.click(5, words.y + 5)
  await expect(dialog).toHaveCount(0)
  await expect(lock).toBeFocused()
})

test('an open lock dialog stays what it was opened for', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const [env, other] = [await rig.environment(page), await rig.environment(page)]
  await page.goto(`${rig.url}/p/shop`)
  await expect(page.locator('.pill')).toHaveText('Live')
  const card = page.getByRole('article', { name: env.name, exact: true })
  await card.getByRole('button', { name: 'Lock…' }).click()
  await page.getByLabel('Reason').fill('mine')
  const headers = { Origin: rig.url }
  const taken = await page.request.put(`${rig.url}/api/v1/projects/shop/environments/${env.name}/lock`, { data: { reason: 'theirs' }, headers })
  expect(taken.ok(), await taken.text()).toBe(true)
  // What happens in the project has the page behind it look again.
  other.open()
  const begun = await page.request.post(`${rig.url}/api/v1/releases`, { data: { project: 'shop', environment: other.name, ref: 'v1' }, headers })
  expect(begun.ok(), await begun.text()).toBe(true)
  await expect(page.locator(`article[aria-label="${env.name}"]`)).toContainText('theirs')
  await expect(page.getByRole('dialog')).toContainText(`Lock shop in ${env.name}`)
  await expect(page.getByLabel('Reason')).toHaveValue('mine')
})

test('what is being written in the chat stays when a step is looked at, and while a message is on its way', async ({ page, rig }) => {
  await signIn(page, rig.url)
  const env = await rig.environment(page)
  await release(page, rig.url, env.name, 'v1')
  await step(page, 'web-2 after_upload: running').click()
  const chat = page.getByRole('tab', { name: /Chat/ })
  const draft = page.getByLabel('Say something to everybody who watches')
  await chat.click()
  await draft.fill('it hangs')
  await page.getByLabel('about web-2/after_upload').check()
  await step(page, 'web-1 after_upload: running').click()
  await chat.click()
  await expect(draft).toHaveValue('it hangs')
  await expect(page.getByLabel('about web-2/after_upload')).toBeChecked()

  let answer: () => void = () => {}
  const held = new Promise<void>((done) => { answer = done })
  const posting = /\/releases\/\d+\/chat$/
  await page.route(posting, async (route) => { await held; await route.continue() })
  await draft.press('Enter')
  await expect(draft).toHaveValue('')
  await draft.fill('now it goes on')
  answer()
  const said = page.getByRole('log', { name: 'Chat' })
  await expect(said).toContainText('it hangs')
  await expect(said.getByRole('button', { name: 'web-2/after_upload' })).toBeVisible()
  await expect(draft).toHaveValue('now it goes on')
  // What could not be sent is there again.
  await page.unroute(posting)
  await page.route(posting, (route) => route.abort())
  await draft.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Aweigh cannot be reached')
  await expect(draft).toHaveValue('now it goes on')
  env.open()
})

test('whoever cannot be signed out is told', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.route('**/api/v1/session', (route) => (route.request().method() === 'DELETE' ? route.abort() : route.continue()))
  await page.locator('header summary').click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('alert')).toContainText('Aweigh cannot be reached')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Board')
  await page.unroute('**/api/v1/session')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByLabel('Password')).toBeVisible()
})

test('what is shown stays when it cannot be loaded again', async ({ page, rig }) => {
  await signIn(page, rig.url)
  await page.goto(`${rig.url}/servers/web-1`)
  await page.getByLabel('Labels').fill('role=web\nnote=x')
  await page.route('**/api/v1/servers', (route) => route.abort())
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('alert')).toContainText('Aweigh cannot be reached')
  await expect(page.getByLabel('Labels')).toHaveValue(/note=x/)
  await page.unroute('**/api/v1/servers')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.getByLabel('Labels').fill('role=web')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => (await (await page.request.get(`${rig.url}/api/v1/servers/web-1`)).json()).labels).toEqual({ role: 'web' })
})

test('the text of the step that is chosen is asked for, and a link to a line of a long log leads there', async ({ page, rig }) => {
  const said: string[] = []
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => said.push(String(payload))))
  await signIn(page, rig.url)
  const env = await rig.environment(page, { after_upload: 'i=0; while [ $i -lt 9000 ]; do i=$((i+1)); echo "line $i of a log that is long"; done' })
  const id = await release(page, rig.url, env.name, 'v1')
  await expect(verdict(page)).toHaveText('succeeded')
  for (const server of ['web-1', 'web-2']) {
    await page.getByRole('button', { name: new RegExp(`^${server} after_upload`) }).click()
    await expect(page.getByRole('log', { name: `Log of ${server}/after_upload` })).toContainText('line 9000 of')
    await expect.poll(() => said.some((frame) => frame.includes(`"logs":"${server}/after_upload"`))).toBe(true)
  }
  // Where the beginning is not loaded, nothing is numbered, and nothing is linked to.
  await page.locator('.line', { hasText: 'line 8999 of' }).click({ position: { x: 10, y: 5 } })
  expect(new URL(page.url()).hash).toBe('')

  await page.goto('about:blank')
  await page.goto(`${rig.url}/r/${id}?node=web-1%2Fafter_upload#L4321`)
  const line = page.locator('#L4321')
  await expect(line).toHaveText('line 4321 of a log that is long')
  await expect(line).toBeInViewport()
  await expect(line).toHaveClass(/linked/)
  await page.locator('#L4320').click({ position: { x: 10, y: 5 } })
  expect(new URL(page.url()).hash).toBe('#L4320')
})
