// The words of the toolbox: audit log, git, commands and files on servers, shells. They come with its screens, in every language.
import { s } from './en'
import { locale } from './index.svelte'

export const en = {
  audit: {
    title: 'Audit log', lead: 'Who did what to which thing. Nothing is ever taken out of it.',
    who: 'Who', about: 'To which thing', aboutHint: 'such as server:web-1', everything: 'Show everything',
    empty: 'Nobody has done anything yet.', nothing: 'Nobody has done anything like this.',
    columns: { when: 'When', who: 'Who', what: 'What', about: 'To which thing', detail: 'More' },
    onlyWho: (who: string) => `Only what ${who} did`, onlyAbout: (what: string) => `Only what was done to ${what}`,
    kinds: {
      server: 'server', credential: 'credential', hook: 'hook template', project: 'project', environment: 'environment', release: 'release', user: 'user',
      group: 'group', secret: 'secret', recording: 'recording', installation: 'this installation',
    } as Record<string, string>,
    deeds: {
      put: 'saved', set: 'set', delete: 'removed', remove: 'removed', create: 'made', cancel: 'cancelled', pause: 'paused', resume: 'let go on', promote: 'let the next batch go',
      retry: 'tried again', skip: 'left servers out', check: 'tested', trust: 'trusted its key', lock: 'locked', unlock: 'unlocked', adopt: 'took over', accept: 'accepted as it is',
      push: 'brought a built tree', try: 'tried', run: 'ran a command', get: 'fetched files', show: 'looked at', rotate: 'replaced the key', retype: 'typed the password again', 'secrets.use': 'used secrets', facts: 'asked what it is',
      'session.begin': 'signed in', 'session.end': 'signed out', 'password.set': 'changed the password', 'token.create': 'made a token', 'token.remove': 'removed a token',
      'user.setup': 'made a set-up link', 'files.put': 'brought files', 'files.get': 'fetched files', 'shared.put': 'brought linked files', 'shared.get': 'fetched linked files', 'shared.list': 'looked at linked files', 'shell.open': 'opened a shell', 'git_host.trust': 'trusted the key of a git host',
    } as Record<string, string>,
  },
  git: {
    title: (project: string) => `Repository of ${project}`, views: 'Parts of the repository', compare: 'Compare', commit: 'Commit', subject: 'Subject', author: 'Author',
    search: 'Name, subject, author or id', of: 'Of which ref', ofHint: 'of the default branch',
    none: { branch: 'There is no branch.', tag: 'There is no tag.', commit: 'There is no commit.' }, onlyNewest: (n: number) => `Only the newest ${n.toLocaleString('en')} are looked at.`,
    releaseIt: (what: string) => `Release ${what}`, compareIt: (what: string) => `Compare ${what} with another ref`, downloadIt: (what: string) => `Download the files of ${what}`, downloadAs: (what: string, format: string) => `Download the files of ${what} as ${format}`,
    from: 'From', fromHint: 'what was before: a branch, a tag or a commit', to: 'To', toHint: 'what comes after it', swap: 'Swap them', choose: 'Choose two refs to see what differs.', asking: 'Comparing…',
    comes: 'Commits that come', goes: 'Commits that go', files: (n: number, more: boolean) => `${n.toLocaleString('en')}${more ? '+' : ''} file${n === 1 && !more ? '' : 's'}`, same: 'Both have the same files.',
    lines: (came: number, went: number) => `${s(came, 'line')} came, ${s(went, 'line')} went`, was: (path: string) => `was ${path}`,
    kinds: { added: 'added', deleted: 'deleted', modified: 'changed', renamed: 'renamed', retyped: 'of another kind' } as Record<string, string>,
    binary: 'It is no text.', onlyMode: 'Only its name, its mode or its kind changed.', noPatch: 'What changed in it is not shown: the whole would be too long.', cut: 'It is longer than what can be shown; the rest is left out.',
    diffOf: (path: string) => `What changed in ${path}`, lineBefore: 'Line before', lineAfter: 'Line after', change: 'Change', text: 'Text', noEnd: '(no end of line)', allLines: (n: number) => `Show all ${n.toLocaleString('en')} lines`,
  },
  run: {
    title: 'Run a command', lead: 'On one server or on many at once, outside of any release.', answers: 'Answers',
    servers: 'Servers', serversHint: 'all, a name, a range such as web-[01:40], a label such as role=web, or a group such as @web; & is and, a comma is or', nobody: 'No server is meant.', count: (n: number) => s(n, 'server'),
    command: 'Command', commandHint: 'The login shell of each server runs it. Ctrl+Enter starts it.', place: 'Where', home: 'Where the login begins',
    more: 'Input, time limit, servers at once', stdin: 'What it reads', stdinHint: 'the same on every server', timeout: 'Time limit', timeoutHint: 'such as 30s or 10m', limit: 'Servers at once',
    submit: (n: number) => `Run it on ${s(n, 'server')}`, choose: 'Choose servers and a command', stop: 'Stop it everywhere', earlier: 'Earlier commands of this session',
    running: (done: number, all: number, bad: number) => `${done} of ${s(all, 'server')} ${all === 1 ? 'has' : 'have'} answered${bad > 0 ? `, ${bad} failed` : ''}.`,
    ended: (ok: number, bad: number) => (bad === 0 ? `It went well on ${s(ok, 'server')}.` : `It went well on ${s(ok, 'server')} and failed on ${bad}.`),
    stopped: (n: number) => `Stopped. On ${s(n, 'server')} it had not ended.`,
    exit: (code: number) => `exit code ${code}`, leftOut: (size: string) => `${size} are left out, because it wrote too much.`, nothingYet: 'Nothing yet.', output: (names: string) => `What ${names} wrote`, copyIt: (names: string) => `Copy what ${names} wrote`,
    onlyBad: 'Only what failed', together: 'Equal answers together',
  },
  files: {
    title: 'Files', way: 'Which way', put: 'Bring to the servers', get: 'Fetch from the servers', file: 'File', folder: 'Folder', isFolder: 'It is a folder', replace: 'It takes the place of a folder that is there',
    to: 'To', toHint: 'its name there: absolute, or from the home folder', from: 'From', fromHint: 'a file or a folder there: absolute, or from the home folder',
    choose: 'Choose servers', putIt: (n: number) => `Bring it to ${s(n, 'server')}`, getIt: (n: number) => `Fetch it from ${s(n, 'server')}`, stop: 'Stop it', stopped: 'Stopped.', leave: 'Files are on their way, and stop when you leave this screen. Leave it?',
    sending: (sent: string, all: string) => `Sending to Aweigh: ${sent} of ${all}`, moving: (moved: string, all: string) => (all ? `Under way: ${moved} of ${all}` : `Under way: ${moved}`),
    brought: (files: number, size: string) => `${s(files, 'file')}, ${size}`, save: 'Save what came', saveHint: 'a tar file with a folder for each server; it is kept for ten minutes',
  },
  terminal: {
    title: (server: string) => `Shell on ${server}`, servers: 'Servers', open: 'Open', opening: 'Opening…',
    recorded: 'What this shell shows is recorded, and can be played by whoever may see recordings.',
    ended: (code: number) => `The shell has ended with exit code ${code}.`, killed: 'The shell was ended by a signal.',
    closed: {
      signed_out: 'The shell was closed: you are signed out, or may not have it any more.', restarting: 'The shell was closed: Aweigh stopped.',
      lost: 'The connection is lost, and the shell with it. What ran in it was hung up.', blocked: 'Something between here and Aweigh lets no WebSocket through, and a shell needs one.',
      flooded: 'The shell was closed: it wrote more than this page can draw.', left: 'The shell is closed.',
    },
    again: 'Open a new shell', hangUp: 'Hang up', leave: 'The shell is open, and ends when you leave this screen. Leave it?', paste: 'Paste', reader: 'Screen reader', keys: 'Ctrl+Shift+Enter leaves the terminal, Ctrl+Shift+C copies, Ctrl+Shift+V pastes.',
  },
  recordings: {
    title: 'Recordings', lead: 'What shells on servers showed, the latest first.', empty: 'Nobody has had a shell yet.', nothing: 'Nobody has had a shell there.', emptyLead: 'Each shell that is opened on a server is recorded.',
    columns: { number: 'Number', when: 'When', server: 'Server', who: 'Who', what: 'What', took: 'Took', end: 'How it ended', size: 'Size' },
    login: 'login shell', openNow: 'open now', ended: 'ended', exit: (code: number) => `exit code ${code}`, cut: '(cut off: too long)', removed: 'removed',
    play: (id: number) => `Play recording ${id}`, one: (id: string) => `Recording ${id}`, download: 'Download', unreadable: 'It cannot be played: it is no recording in a format that this page knows.', screen: 'What the shell showed',
    start: 'Play', pause: 'Pause', again: 'Play again', position: 'Position', speed: 'Speed', skip: 'Skip pauses',
  },
}

export const zh: typeof en = {
  audit: {
    title: '审计日志', lead: '谁在什么时候对什么做了什么。记录永远不会被删除。',
    who: '用户', about: '对象', aboutHint: '例如 server:web-1', everything: '显示全部',
    empty: '还没有任何记录。', nothing: '没有符合条件的记录。',
    columns: { when: '时间', who: '用户', what: '操作', about: '对象', detail: '说明' },
    onlyWho: (who) => `只看 ${who} 的操作`, onlyAbout: (what) => `只看对 ${what} 的操作`,
    kinds: {
      server: '服务器', credential: '凭据', hook: '钩子模板', project: '项目', environment: '环境', release: '发布', user: '用户',
      group: '分组', secret: '机密', recording: '录像', installation: '本系统',
    },
    deeds: {
      put: '保存', set: '设置', delete: '删除', remove: '删除', create: '创建', cancel: '取消', pause: '暂停', resume: '继续', promote: '放行下一批',
      retry: '重试', skip: '跳过服务器', check: '测试', trust: '信任密钥', lock: '锁定', unlock: '解锁', adopt: '接管', accept: '确认无误',
      push: '推送制品', try: '试运行', run: '执行命令', get: '取回文件', show: '查看', rotate: '更换密钥', retype: '重新输入密码', 'secrets.use': '使用机密', facts: '查询信息',
      'session.begin': '登录', 'session.end': '退出登录', 'password.set': '修改密码', 'token.create': '创建令牌', 'token.remove': '删除令牌',
      'user.setup': '创建设置链接', 'files.put': '上传文件', 'files.get': '取回文件', 'shared.put': '上传共享文件', 'shared.get': '取回共享文件', 'shared.list': '查看共享文件', 'shell.open': '打开终端', 'git_host.trust': '信任 Git 主机的密钥',
    },
  },
  git: {
    title: (project) => `${project} 的仓库`, views: '仓库内容', compare: '比较', commit: '提交', subject: '说明', author: '作者',
    search: '名称、说明、作者或提交号', of: '属于哪个引用', ofHint: '默认分支',
    none: { branch: '没有分支。', tag: '没有标签。', commit: '没有提交。' }, onlyNewest: (n) => `只查看最新的 ${n} 个。`,
    releaseIt: (what) => `发布 ${what}`, compareIt: (what) => `将 ${what} 与其他引用比较`, downloadIt: (what) => `下载 ${what} 的文件`, downloadAs: (what, format) => `下载 ${what} 的文件（${format}）`,
    from: '从', fromHint: '之前的分支、标签或提交', to: '到', toHint: '之后的分支、标签或提交', swap: '互换', choose: '选择两个引用，查看它们的差异。', asking: '比较中…',
    comes: '新增的提交', goes: '移除的提交', files: (n, more) => `${n}${more ? '+' : ''} 个文件`, same: '两者的文件完全相同。',
    lines: (came, went) => `新增 ${came} 行，删除 ${went} 行`, was: (path) => `原名 ${path}`,
    kinds: { added: '新增', deleted: '删除', modified: '修改', renamed: '重命名', retyped: '类型改变' },
    binary: '不是文本文件。', onlyMode: '只有名称、权限或类型改变。', noPatch: '内容总量过大，这里不显示它的改动。', cut: '内容过长，其余部分已省略。',
    diffOf: (path) => `${path} 的改动`, lineBefore: '原行号', lineAfter: '新行号', change: '改动', text: '内容', noEnd: '（末尾没有换行）', allLines: (n) => `显示全部 ${n} 行`,
  },
  run: {
    title: '执行命令', lead: '在一台或多台服务器上同时执行，与发布无关。', answers: '结果',
    servers: '服务器', serversHint: 'all、名称、编号范围（例如 web-[01:40]）、标签（例如 role=web）或分组（例如 @web）；& 表示并且，逗号表示或者', nobody: '没有符合的服务器。', count: (n) => `${n} 台服务器`,
    command: '命令', commandHint: '由每台服务器的登录 shell 执行，按 Ctrl+Enter 开始。', place: '位置', home: '登录后的目录',
    more: '输入、时间限制、并发数', stdin: '标准输入', stdinHint: '每台服务器相同', timeout: '时间限制', timeoutHint: '例如 30s 或 10m', limit: '同时执行的服务器数',
    submit: (n) => `在 ${n} 台服务器上执行`, choose: '请选择服务器并输入命令', stop: '全部停止', earlier: '本次会话的历史命令',
    running: (done, all, bad) => `${done} / ${all} 台服务器已返回${bad > 0 ? `，${bad} 台失败` : ''}。`,
    ended: (ok, bad) => (bad === 0 ? `${ok} 台服务器全部成功。` : `${ok} 台成功，${bad} 台失败。`),
    stopped: (n) => `已停止，${n} 台服务器尚未执行完。`,
    exit: (code) => `退出码 ${code}`, leftOut: (size) => `输出过多，省略了 ${size}。`, nothingYet: '还没有输出。', output: (names) => `${names} 的输出`, copyIt: (names) => `复制 ${names} 的输出`,
    onlyBad: '只看失败', together: '合并相同结果',
  },
  files: {
    title: '文件', way: '方向', put: '上传到服务器', get: '从服务器取回', file: '文件', folder: '文件夹', isFolder: '这是一个文件夹', replace: '替换已有的文件夹',
    to: '目标', toHint: '在服务器上的名称：绝对路径，或相对于主目录', from: '来源', fromHint: '服务器上的文件或文件夹：绝对路径，或相对于主目录',
    choose: '请选择服务器', putIt: (n) => `上传到 ${n} 台服务器`, getIt: (n) => `从 ${n} 台服务器取回`, stop: '停止', stopped: '已停止。', leave: '文件正在传输，离开此页面会中断传输。确定离开吗？',
    sending: (sent, all) => `正在发送到 Aweigh：${sent} / ${all}`, moving: (moved, all) => (all ? `传输中：${moved} / ${all}` : `传输中：${moved}`),
    brought: (files, size) => `${files} 个文件，${size}`, save: '保存取回的内容', saveHint: 'tar 文件，每台服务器一个文件夹；保留十分钟',
  },
  terminal: {
    title: (server) => `${server} 的终端`, servers: '服务器', open: '已连接', opening: '连接中…',
    recorded: '终端显示的内容会被录像，有权查看录像的人可以回放。',
    ended: (code) => `终端已结束，退出码 ${code}。`, killed: '终端被信号终止。',
    closed: {
      signed_out: '终端已关闭：你已退出登录，或不再有权限。', restarting: '终端已关闭：Aweigh 停止了。',
      lost: '连接已断开，终端随之结束，其中运行的程序已被挂断。', blocked: '你与 Aweigh 之间的某个代理不允许 WebSocket，终端需要它。',
      flooded: '终端已关闭：输出超过了页面能显示的数量。', left: '终端已关闭。',
    },
    again: '打开新的终端', hangUp: '挂断', leave: '终端仍在使用，离开此页面会将它关闭。确定离开吗？', paste: '粘贴', reader: '屏幕阅读器', keys: 'Ctrl+Shift+Enter 离开终端，Ctrl+Shift+C 复制，Ctrl+Shift+V 粘贴。',
  },
  recordings: {
    title: '录像', lead: '服务器终端显示过的内容，最新的在前。', empty: '还没有人打开过终端。', nothing: '还没有人在那里打开过终端。', emptyLead: '在服务器上打开的每个终端都会录像。',
    columns: { number: '编号', when: '时间', server: '服务器', who: '用户', what: '内容', took: '时长', end: '结束方式', size: '大小' },
    login: '登录 shell', openNow: '正在使用', ended: '已结束', exit: (code) => `退出码 ${code}`, cut: '（过长，已截断）', removed: '已清除',
    play: (id) => `播放录像 ${id}`, one: (id) => `录像 ${id}`, download: '下载', unreadable: '无法播放：不是此页面认识的录像格式。', screen: '终端显示的内容',
    start: '播放', pause: '暂停', again: '重新播放', position: '位置', speed: '速度', skip: '跳过停顿',
  },
}

/** These words in the language of the reader; reading them in a template follows the language. */
export function tools(): typeof en {
  return locale() === 'zh' ? zh : en
}
