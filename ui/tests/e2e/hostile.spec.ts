// Texts that want to be more than texts: in refs, commits, logs, chat and notes. Nothing may run, nothing may be
// asked of anybody else, and the page must stay as it is.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, release, signIn, step, test, verdict } from './rig'

const ESC = '\x1b'
const PAYLOADS = [
  '<script>alert(1)</script>', '"><script src=https://evil.example/x.js></script>', '<img src=x onerror=alert(1)>', '<img src=https://evil.example/p.png>',
  '<svg onload=alert(1)>', '<svg><animate onbegin=alert(1) attributeName=x dur=1s>', '<iframe src=javascript:alert(1)>', '<iframe srcdoc="<script>alert(1)</script>">',
  '<a href="javascript:alert(1)">x</a>', '[x](javascript:alert(1))', '![x](https://evil.example/p.png)', '<https://evil.example>', 'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>', '<body onload=alert(1)>', '<details open ontoggle=alert(1)>', '<input autofocus onfocus=alert(1)>', '<math><mtext><script>alert(1)</script>',
  '<style>*{display:none}</style>', '<link rel=stylesheet href=https://evil.example/x.css>', '<meta http-equiv=refresh content="0;url=https://evil.example">', '<base href=https://evil.example/>',
  '<form action=https://evil.example><button>x', '</div></main></body>', '<!--', '-->', '<![CDATA[', '{@html alert(1)}', '{alert(1)}', '{{constructor.constructor("alert(1)")()}}', '${alert(1)}', '%{7*7}',
  '&lt;script&gt;alert(1)&lt;/script&gt;', '\\u003cscript\\u003ealert(1)', "';alert(1);//", '"onmouseover="alert(1)', 'style="position:fixed;inset:0"', '__proto__', 'constructor',
  '\u202egnp.exe', '\u2066\u202eevil\u2069', '\u200b\u200b\u200d', 'Z̸̢̧̛̺͓̫͉̦̲̻̣̘̰̠̗̺̪̝̗̱̣̪̓̈́̽̄͗͂̿̕͠a̷l̵g̶o̷', '𒐫𒐫𒐫𒐫𒐫', 'ﷺﷺﷺﷺﷺ', 'A'.repeat(3_000), '界'.repeat(1_500), 'a b '.repeat(900), '🏴‍☠️'.repeat(300), 'x'.repeat(200) + '\n'.repeat(200) + 'end',
]
const ANSI = [
  `${ESC}[31mred${ESC}[0m`, `${ESC}]8;;javascript:alert(1)${ESC}\\link${ESC}]8;;${ESC}\\`, `${ESC}]0;title${'\x07'}`, `${ESC}]52;c;ZXZpbA==${'\x07'}`, `${ESC}[2J${ESC}[H`,
  `${ESC}[1A${ESC}[2K`, `${ESC}Pq#0;2;0;0;0${ESC}\\`, `${ESC}[38;2;1;2;3mtrue${ESC}[0m`, `${ESC}[8mhidden${ESC}[0m`, `${ESC}[`, `${ESC}]`, '\x9b31mc1', '\x00\x01\x02\x7f', '\rover\rwritten', `${ESC}[999999999999m`, `${ESC}[31;<img src=x onerror=alert(1)>m`,
]

test('fifty hostile texts are only texts, wherever they come from', async ({ page, rig }) => {
  test.setTimeout(120_000)
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(50)
  const bad: string[] = []
  page.on('dialog', (dialog) => {
    // A note that was written asks before it is lost.
    if (dialog.type() === 'beforeunload') { void dialog.accept(); return }
    bad.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (asked) => {
    const url = new URL(asked.url())
    if (url.protocol !== 'data:' && url.host !== `127.0.0.1:${rig.port}`) bad.push(`request: ${asked.url()}`)
  })
  page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) bad.push(`policy: ${message.text()}`) })
  page.on('popup', () => bad.push('popup'))

  await signIn(page, rig.url)
  // Into commits, and into refs as far as git takes them.
  for (const [index, text] of PAYLOADS.entries()) {
    rig.git('commit', '-q', '--allow-empty', '--cleanup=verbatim', '-m', text.replaceAll('\0', ''))
    const name = `x${index}-${text.replace(/[\s~^:?*[\\\x00-\x1f\x7f]|\.\.|@\{|\/+|\.lock/g, '_').slice(0, 60)}`.replace(/[./]+$/, '_')
    try {
      rig.git('tag', name)
    } catch {
      // Git has refused it; nothing of it can come to us.
    }
  }
  writeFileSync(join(rig.repo, 'evil.txt'), `${[...PAYLOADS, ...ANSI].join('\n')}\n${'y'.repeat(1_000_000)}\n`)
  writeFileSync(join(rig.repo, 'bytes.bin'), Buffer.from([0xff, 0xfe, 0x80, 0x0a]))
  rig.git('add', '-A')
  rig.git('commit', '-q', '-m', '<b onclick=alert(1)>the end</b>')
  rig.git('tag', 'hostile')
  const env = await rig.environment(page, { after_upload: 'cat evil.txt bytes.bin; cat evil.txt >&2' })

  const id = await release(page, rig.url, env.name, 'hostile')
  await expect(verdict(page)).toHaveText('succeeded', { timeout: 30_000 })
  for (const text of PAYLOADS) {
    const said = await page.request.post(`${rig.url}/api/v1/releases/${id}/chat`, { data: { text }, headers: { Origin: rig.url } })
    expect([201, 422]).toContain(said.status())
  }
  // Every place that shows such texts, with the page as it must be.
  const whole = async (): Promise<void> => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280)
    expect(await page.evaluate(() => document.querySelectorAll('script[src*=evil], iframe, base, form[action*=evil], img, link[href*=evil], meta[http-equiv=refresh]').length)).toBe(0)
    await expect(page.getByRole('banner')).toBeVisible()
  }
  await page.goto(`${rig.url}/r/${id}`)
  await step(page, 'web-1 after_upload: done').click()
  await page.getByRole('button', { name: 'Load earlier lines' }).click()
  await expect(page.getByRole('log', { name: /Log of/ })).toContainText('<script>alert(1)</script>')
  await expect(page.locator('.line .c-red').first()).toHaveText('red')
  const shown = await page.getByRole('log', { name: /Log of/ }).textContent()
  // eslint-disable-next-line no-control-regex
  expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
  await whole()
  await page.getByRole('tab', { name: /Chat/ }).click()
  await expect(page.getByText('<script>alert(1)</script>').first()).toBeVisible()
  await whole()
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}`)
  await page.getByRole('combobox', { name: 'What' }).fill('x')
  await expect(page.getByRole('listbox').getByRole('option').first()).toBeVisible()
  await whole()
  await page.getByRole('combobox', { name: 'What' }).fill('hostile~1')
  await page.keyboard.press('Escape')
  await whole()
  const note = '<img src=x onerror=alert(1)> \u202eevil'
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&ref=${encodeURIComponent('<script>alert(1)</script>')}`)
  await page.getByLabel('Note').fill(note)
  await expect(page.locator('.wrong, [role=alert]').first()).toBeVisible()
  await whole()
  await page.goto(`${rig.url}/p/shop/new?env=${env.name}&ref=v2`)
  await page.getByLabel('Note').fill(note)
  await page.getByRole('button', { name: /^Release v2/ }).click()
  await page.waitForURL(/\/r\/\d+/)
  await expect(page.getByText('<img src=x onerror=alert(1)>').first()).toBeVisible()
  await whole()
  for (const path of ['/', '/p/shop', '/history', `/r/%3Cscript%3E`, `/p/${encodeURIComponent('<svg onload=alert(1)>')}`, '/history?project=%3Cscript%3Ealert(1)%3C/script%3E']) {
    await page.goto(rig.url + path)
    await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
    await whole()
  }
  expect(bad).toEqual([])
})
