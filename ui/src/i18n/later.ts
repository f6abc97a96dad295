// The words of screens that come later, in every language: they come with these screens, so that the page begins quickly.
import { locale } from './index.svelte'

export const en = {
  hooks: {
    title: 'Hook templates', lead: 'Commands that are kept once, for the hooks of every project', add: 'Add a template',
    empty: 'No hook template yet', emptyLead: 'What several hooks have to run is written here once: reload a service, drain a server, warm a cache. Each change makes a new version, and it can be tried on a server before a release needs it.',
    pick: 'In the fleet file, or in the aweigh.toml of a repository, a hook picks it by its name:', pickFixed: 'With a number behind its name the hook keeps to that version:',
    columns: { version: 'Version', about: 'What it is for', uses: 'Picked by', command: 'Command', made: 'Made', by: 'By' },
    uses: (n: number) => `${n} hook${n === 1 ? '' : 's'}`, version: (n: number) => `version ${n}`,
    about: 'What it is for', aboutHint: 'a line for the others', run: 'Command', runHint: 'sh -e runs it, or the program that its first line names (#!)',
    timeout: 'Time limit', idleTimeout: 'Limit without output', limitHint: 'such as 90s or 10m', noLimit: 'none',
    rerun: 'When nobody knows how it ended', rerunChoices: { '': 'it is not run again by itself', safe: 'it may be run again' } as Record<string, string>,
    allowFailure: 'When it fails, the release goes on with a warning',
    saved: (n: number) => `Version ${n} is saved.`, same: (n: number) => `It is what version ${n} says already: no new version was made.`,
    held: 'It stays, because hooks pick it. First have them pick another one, or write their own command.',
    usedBy: 'Picked by', unused: 'No hook picks it yet.', everywhere: 'every environment', takesNewest: 'the newest version', keepsTo: (n: number) => `always version ${n}`,
    versions: 'Versions', newest: 'newest', show: 'Show', showIt: (n: number) => `Show version ${n}`, takeBack: 'Take back', takeItBack: (n: number) => `Take back version ${n}`,
    takenBack: (n: number) => `The form has what version ${n} said. Saving it makes a new version.`, lose: 'What you changed here is not saved. Lose it?',
    variables: 'Variables that a hook finds', variablesLead: 'All of them are always set, and empty where they make no sense.',
    onServers: 'on servers', whenFailed: 'in on_failure',
  },
  trial: {
    open: 'Try on a server…', title: (name: string) => `Try ${name} on a server`, unnamed: 'it',
    lead: 'What stands in the form is tried, saved or not, in the folder of what is live.',
    how: 'How', real: 'Run it', check: 'Only have the shell read it',
    realLead: (server: string) => `It really runs on ${server}: what it changes there stays changed. It is no release: it holds no lock and writes no history. AWEIGH_ACTION is try. After five minutes, or the time limit that is saved, it is killed.`,
    checkLead: 'Nothing of it runs. The shell of the server says whether it can read the text; of a text that begins with #! only the program is looked for.',
    runIt: (server: string) => `Run it on ${server}`, checkIt: (server: string) => `Have ${server} read it`,
    running: (server: string) => `It runs on ${server}. Closing this kills it.`, reading: (server: string) => `${server} reads it…`,
    ended: (code: number, time: string) => `It ended with exit code ${code}, after ${time}.`, killed: (time: string) => `It took too long, and was killed after ${time}.`,
    sound: (time: string) => `It can be read: exit code 0, after ${time}.`, unsound: (code: number, time: string) => `It cannot be read: exit code ${code}, after ${time}.`,
    output: 'What it wrote', leftOut: (size: string) => `${size} before this are left out.`,
    nowhere: 'There is no environment with a server yet.', notLive: 'Nothing is live there yet: it can be tried after the first release.',
  },
  artifacts: {
    title: 'Artifacts', empty: 'No artifact yet. A release packs one, and a CI system can bring one that it built:',
    columns: { artifact: 'Artifact', commit: 'Commit', files: 'Files', size: 'Size', made: 'Made', kept: 'Kept' },
    kept: 'kept', gone: 'removed', release: 'Release…', releaseIt: (hash: string) => `Release artifact ${hash}`, copyIt: (hash: string) => `Copy the hash ${hash}`,
    name: (hash: string) => `artifact ${hash}`, hint: 'The same bytes as then: nothing is fetched, built or packed.', other: 'Choose a ref instead', same: 'What is live is of the same commit.',
  },
  servers: {
    title: 'Servers', add: 'Add a server', empty: 'No server yet', emptyLead: 'A server is one host that Aweigh logs in to over SSH. Nothing is installed on it.',
    host: 'Host', hostHint: 'a name or an address; `local` is the machine Aweigh runs on', port: 'Port', user: 'User', credential: 'Credential', labels: 'Labels', labelsHint: 'one per line: role=web',
    jump: 'Through', jumpHint: 'the server that leads there, where Aweigh cannot reach it itself', direct: 'directly', through: (name: string) => `through ${name}`,
    hostKey: 'Host keys', hostKeyHint: 'one per line, such as ssh-ed25519 AAAA…', check: 'Test connection', checking: 'Testing…', trust: 'Trust its key…',
    trustLead: 'Compare this with what the server itself says, over another way than this network:', trustCommand: 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    trustOther: 'Compare this with what the host of the repository publishes, over another way than this network:',
    trustIt: 'It is the same: trust it', trusted: 'Its key is trusted.', pinned: 'trusted', notPinned: 'not trusted yet', none: 'no labels', usual: 'Good: releases can run there.', shell: 'Open a shell', run: 'Run a command there', recordings: 'Recordings', audit: 'What was done with it',
  },
  groups: {
    title: 'Groups', lead: 'Selectors with a name: write @web wherever servers are chosen.', add: 'Add a group', selector: 'Who is in it', selectorHint: 'names and labels, such as role=web&env=production',
  },
  facts: {
    title: 'What it is', asking: 'Asking it…', os: 'System', kernel: 'Kernel', cpus: 'Processors', memory: 'Memory', disk: 'Disk', uptime: 'Running for', clock: 'Its clock', user: 'Login', tools: 'Tools',
    free: (free: string, all: string) => `${free} of ${all} free`, days: (n: number) => `${n} days`,
  },
  credentials: {
    title: 'Credentials', add: 'Add a credential', empty: 'No credential yet', emptyLead: 'Keys, passwords and tokens that log in to servers and repositories. They are sealed, and never shown again.',
    kind: 'Kind', kinds: { 'ssh-key': 'SSH key', 'ssh-password': 'SSH password', 'ssh-agent': 'SSH agent', 'git-key': 'Git key', 'git-token': 'Git token' } as Record<string, string>,
    secret: 'Secret', secretKeep: 'empty: it stays as it is', passphrase: 'Passphrase', username: 'User name', fingerprint: 'Fingerprint', stored: 'Stored', file: 'From a file…',
  },
  define: {
    project: 'Project', newProject: 'New project', repository: 'Repository', repositoryHint: 'https://…, or git@host:org/name.git', credential: 'Credential', build: 'Build',
    run: 'Commands', runHint: 'one per line; they run on the control host, in a fresh tree of the commit', output: 'What is packed', outputHint: 'a folder of the tree; . is everything',
    exclude: 'Left out', excludeHint: 'patterns as in .gitignore, one per line', cache: 'Kept between builds', cacheHint: 'folders, one per line', timeout: 'Time limit', memory: 'Memory limit', processes: 'Process limit', limitHint: 'of one command with all its processes', submodules: 'Bring submodules along', lfs: 'Bring the files that Git LFS keeps',
    environment: 'Environment', newEnvironment: 'New environment', serversHint: 'which servers: a name or labels, such as env=production&role=web', path: 'Folder on the servers', pathHint: 'absolute, such as /srv/shop',
    keep: 'Releases that are kept', linkedFiles: 'Linked files', linkedDirs: 'Linked folders', linkedHint: 'from shared/, one per line', health: 'Health checks', healthHint: 'one per line: a URL as seen from the server, or a command',
    hooks: 'Hooks', hooksHint: 'one command per line', onInterrupt: 'After a crash in the middle', unreachable: 'A server that does not answer',
    inherited: 'Defaults of the project apply where this is empty.', json: 'It has parts that this form does not show; they stay as they are.',
    points: { before_fetch: 'Before fetching (control host)', after_upload: 'After the upload (staging)', before_activate: 'Before the switch', after_activate: 'After the switch (restart)', after_verify: 'After the health check', before_rollback: 'Before a rollback', after_release: 'After the release (control host)', on_failure: 'When it failed (control host)' } as Record<string, string>,
    choices: { continue: 'go on', hold: 'wait for a person', roll_back: 'roll back', abort: 'stop the release', skip: 'leave it out' } as Record<string, string>, usual: 'as usual',
  },
  users: {
    title: 'Users', add: 'Add a user', lead: 'Every user is an administrator until there are roles.', link: 'New set-up link', linkLead: (name: string) => `Give this link to ${name}. It works once, for a day, and is not shown again:`,
    has: 'has a password', hasNot: 'no password yet', you: 'you', made: 'Made', signIn: 'Sign-in',
  },
  account: {
    title: 'Account', password: 'Password', current: 'Current password', next: 'New password', change: 'Change password', changed: 'Your password is changed; other sessions have ended.',
    sessions: 'Sessions', thisOne: 'this one', end: 'End', tokens: 'API tokens', tokenLead: 'For the command line and other programs. A token is shown once.', tokenMade: 'Keep it safe, it is not shown again:', appearance: 'Appearance', add: 'Make a token', seen: 'used', until: 'ends',
  },
}

export const zh: typeof en = {
  hooks: {
    title: '钩子模板', lead: '只写一次、供所有项目的钩子使用的命令', add: '添加模板',
    empty: '还没有钩子模板', emptyLead: '多个钩子都要执行的命令在这里只写一次：重新加载服务、摘除服务器流量、预热缓存。每次修改产生一个新版本，用于发布之前可以先在一台服务器上试运行。',
    pick: '在 fleet 文件或仓库的 aweigh.toml 中，钩子按名称选用：', pickFixed: '名称后面加上数字，就固定使用那个版本：',
    columns: { version: '版本', about: '用途', uses: '使用者', command: '命令', made: '时间', by: '修改人' },
    uses: (n) => `${n} 个钩子`, version: (n) => `版本 ${n}`,
    about: '用途', aboutHint: '给其他人看的一行说明', run: '命令', runHint: '由 sh -e 执行，或由第一行（#!）指定的程序执行',
    timeout: '时间限制', idleTimeout: '无输出时间限制', limitHint: '例如 90s 或 10m', noLimit: '无',
    rerun: '结果未知时', rerunChoices: { '': '不会自动重新执行', safe: '可以重新执行' },
    allowFailure: '失败时只是警告，发布继续',
    saved: (n) => `版本 ${n} 已保存。`, same: (n) => `内容与版本 ${n} 相同，没有产生新版本。`,
    held: '没有删除：还有钩子在使用它。请先让这些钩子选用别的模板，或写上自己的命令。',
    usedBy: '使用者', unused: '还没有钩子使用它。', everywhere: '所有环境', takesNewest: '最新版本', keepsTo: (n) => `固定为版本 ${n}`,
    versions: '版本', newest: '最新', show: '查看', showIt: (n) => `查看版本 ${n}`, takeBack: '取回', takeItBack: (n) => `取回版本 ${n}`,
    takenBack: (n) => `表单中现在是版本 ${n} 的内容，保存后成为新版本。`, lose: '这里的修改还没有保存，要放弃吗？',
    variables: '钩子可用的变量', variablesLead: '所有变量总是存在，没有意义时为空。',
    onServers: '仅服务器', whenFailed: '仅 on_failure',
  },
  trial: {
    open: '在服务器上试运行…', title: (name) => `在一台服务器上试运行 ${name}`, unnamed: '模板',
    lead: '试运行的是表单中的内容（无论是否已保存），在当前版本的目录中执行。',
    how: '方式', real: '真正执行', check: '只让服务器的 shell 检查语法',
    realLead: (server) => `命令会真正在 ${server} 上执行，它所做的改动不会还原。这不是发布：不占用锁，也不写入历史。AWEIGH_ACTION 为 try。超过五分钟或已保存的时间限制会被终止。`,
    checkLead: '不会执行任何内容。服务器的 shell 只检查能否读懂；以 #! 开头时只检查那个程序是否存在。',
    runIt: (server) => `在 ${server} 上执行`, checkIt: (server) => `让 ${server} 检查`,
    running: (server) => `正在 ${server} 上执行，关闭此窗口会终止它。`, reading: (server) => `${server} 正在检查…`,
    ended: (code, time) => `已结束，退出码 ${code}，耗时 ${time}。`, killed: (time) => `耗时过长，${time} 后被终止。`,
    sound: (time) => `没有语法问题：退出码 0，耗时 ${time}。`, unsound: (code, time) => `检查未通过：退出码 ${code}，耗时 ${time}。`,
    output: '输出', leftOut: (size) => `之前的 ${size} 已省略。`,
    nowhere: '还没有带服务器的环境。', notLive: '那里还没有版本在运行：第一次发布之后才能试运行。',
  },
  artifacts: {
    title: '制品', empty: '还没有制品。发布时会打包一个，CI 系统也可以推送它构建的内容：',
    columns: { artifact: '制品', commit: '提交', files: '文件', size: '大小', made: '时间', kept: '保留' },
    kept: '已保留', gone: '已清除', release: '发布…', releaseIt: (hash) => `发布制品 ${hash}`, copyIt: (hash) => `复制哈希 ${hash}`,
    name: (hash) => `制品 ${hash}`, hint: '与当时完全相同：不拉取、不构建、不打包。', other: '改为选择引用', same: '当前运行的版本来自同一个提交。',
  },
  servers: {
    title: '服务器', add: '添加服务器', empty: '还没有服务器', emptyLead: '服务器是 Aweigh 通过 SSH 登录的主机，不需要安装任何东西。',
    host: '主机', hostHint: '名称或地址；local 表示 Aweigh 所在的机器', port: '端口', user: '用户', credential: '凭据', labels: '标签', labelsHint: '每行一个：role=web',
    jump: '经由', jumpHint: 'Aweigh 不能直接到达时，经由哪台服务器', direct: '直接连接', through: (name) => `经由 ${name}`,
    hostKey: '主机密钥', hostKeyHint: '每行一个，例如 ssh-ed25519 AAAA…', check: '测试连接', checking: '测试中…', trust: '信任密钥…',
    trustLead: '请通过其他途径与服务器本身显示的指纹比较：', trustCommand: 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    trustOther: '请通过其他途径与仓库主机公布的指纹比较：',
    trustIt: '一致，信任它', trusted: '密钥已信任。', pinned: '已信任', notPinned: '尚未信任', none: '没有标签', usual: '很好：可以发布到这里。', shell: '打开终端', run: '在这里执行命令', recordings: '录像', audit: '操作记录',
  },
  groups: {
    title: '分组', lead: '有名称的选择条件：在选择服务器的地方写 @web 即可。', add: '添加分组', selector: '包含', selectorHint: '名称和标签，例如 role=web&env=production',
  },
  facts: {
    title: '系统信息', asking: '正在询问…', os: '系统', kernel: '内核', cpus: '处理器', memory: '内存', disk: '磁盘', uptime: '已运行', clock: '时钟', user: '登录用户', tools: '工具',
    free: (free, all) => `剩余 ${free}，共 ${all}`, days: (n) => `${n} 天`,
  },
  credentials: {
    title: '凭据', add: '添加凭据', empty: '还没有凭据', emptyLead: '登录服务器和仓库用的密钥、密码和令牌。加密保存，不再显示。',
    kind: '类型', kinds: { 'ssh-key': 'SSH 密钥', 'ssh-password': 'SSH 密码', 'ssh-agent': 'SSH 代理', 'git-key': 'Git 密钥', 'git-token': 'Git 令牌' },
    secret: '机密内容', secretKeep: '留空则保持不变', passphrase: '密钥口令', username: '用户名', fingerprint: '指纹', stored: '保存时间', file: '从文件读取…',
  },
  define: {
    project: '项目', newProject: '新建项目', repository: '仓库', repositoryHint: 'https://…，或 git@host:org/name.git', credential: '凭据', build: '构建',
    run: '命令', runHint: '每行一条，在控制机上全新检出的目录中执行', output: '打包内容', outputHint: '目录；. 表示全部',
    exclude: '排除', excludeHint: '与 .gitignore 相同的规则，每行一条', cache: '构建间保留', cacheHint: '目录，每行一个', timeout: '时间限制', memory: '内存限制', processes: '进程数限制', limitHint: '一条命令及其全部进程的总和', submodules: '包含子模块', lfs: '取回 Git LFS 保存的文件',
    environment: '环境', newEnvironment: '新建环境', serversHint: '哪些服务器：名称或标签，例如 env=production&role=web', path: '服务器目录', pathHint: '绝对路径，例如 /srv/shop',
    keep: '保留的版本数', linkedFiles: '共享文件', linkedDirs: '共享目录', linkedHint: '来自 shared/，每行一个', health: '健康检查', healthHint: '每行一个：从服务器访问的 URL，或一条命令',
    hooks: '钩子', hooksHint: '每行一条命令', onInterrupt: '中途崩溃后', unreachable: '服务器无响应时',
    inherited: '留空则使用项目的默认值。', json: '有些内容此表单无法显示，它们保持不变。',
    points: { before_fetch: '拉取之前（控制机）', after_upload: '上传之后（准备）', before_activate: '切换之前', after_activate: '切换之后（重启）', after_verify: '健康检查之后', before_rollback: '回滚之前', after_release: '发布之后（控制机）', on_failure: '失败时（控制机）' },
    choices: { continue: '继续', hold: '等待人工', roll_back: '回滚', abort: '停止发布', skip: '跳过该服务器' }, usual: '默认',
  },
  users: {
    title: '用户', add: '添加用户', lead: '在有角色之前，每个用户都是管理员。', link: '新的设置链接', linkLead: (name) => `请把此链接交给 ${name}。一天内有效，只能使用一次，不再显示：`,
    has: '已设密码', hasNot: '还没有密码', you: '你', made: '创建', signIn: '登录方式',
  },
  account: {
    title: '账号', password: '密码', current: '当前密码', next: '新密码', change: '修改密码', changed: '密码已修改，其他会话已结束。',
    sessions: '会话', thisOne: '当前', end: '结束', tokens: 'API 令牌', tokenLead: '用于命令行和其他程序。令牌只显示一次。', tokenMade: '请妥善保存，不再显示：', appearance: '外观', add: '创建令牌', seen: '最近使用', until: '到期',
  },
}

/** These words in the language of the reader; reading them in a template follows the language. */
export function later(): typeof en {
  return locale() === 'zh' ? zh : en
}
