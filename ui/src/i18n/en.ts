// English, and the list of all messages: the other languages must have exactly these.
import type { ReleaseStatus, StepStatus } from '../api/types'

const s = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`

export const en = {
  name: 'English',
  common: {
    cancel: 'Cancel', close: 'Close', save: 'Save', create: 'Create', remove: 'Remove', edit: 'Edit', back: 'Back',
    loading: 'Loading…', retry: 'Try again', more: 'Show more', copy: 'Copy', copied: 'Copied', none: 'none', name: 'Name',
    offline: 'Aweigh cannot be reached. Is it running, and is the network there?',
    notFound: 'There is nothing here.', home: 'To the board', yes: 'yes', no: 'no', optional: 'optional',
    saved: (what: string) => `${what} is saved`, removed: (what: string) => `${what} is removed`,
    sureRemove: (what: string) => `Remove ${what}?`, skip: 'Skip to the content',
    newVersion: 'A new version of Aweigh is running.', reload: 'Reload',
  },
  nav: {
    label: 'Aweigh', board: 'Board', history: 'History', servers: 'Servers', credentials: 'Credentials', users: 'Users',
    account: 'Account', signOut: 'Sign out', language: 'Language', theme: 'Theme', menu: 'Menu', keys: 'Keyboard',
    themes: { auto: 'As the system', light: 'Light', dark: 'Dark' }, newProject: 'New project', main: 'Main',
  },
  pill: {
    live: 'Live', slower: 'Live (held polls)', polling: 'Every 3 s', offline: 'Offline', connecting: 'Connecting…',
    since: (time: string) => `status as of ${time}`,
  },
  status: {
    step: {
      pending: 'waiting', running: 'running', ok: 'done', failed: 'failed', warning: 'warning', paused: 'paused',
      skipped: 'skipped', cancelled: 'cancelled', undone: 'undone', unknown: 'unknown',
    } satisfies Record<StepStatus, string>,
    release: {
      awaiting_approval: 'awaiting approval', scheduled: 'scheduled', queued: 'queued', running: 'running', paused: 'paused',
      interrupted: 'interrupted', succeeded: 'succeeded', failed: 'failed', rolled_back: 'rolled back', partial: 'partial',
      cancelled: 'cancelled', superseded: 'superseded',
    } satisfies Record<ReleaseStatus, string>,
    server: {
      pending: 'nothing yet', staged: 'ready', activated: 'switched', live: 'live', undone: 'put back', behind: 'left behind', unknown: 'unknown',
    } as Record<string, string>,
  },
  signIn: {
    title: 'Sign in', user: 'User', password: 'Password', submit: 'Sign in', again: 'Your session has ended. Sign in to go on where you were.',
    first: 'No password yet? Use the link that Aweigh printed when it started, or run', firstCommand: 'aweigh users link admin',
  },
  setUp: {
    title: 'Choose a password', lead: 'This link works once. Ten characters or more; four random words are good.',
    password: 'New password', submit: 'Save and sign in', noCode: 'This address has no code. Open the whole link that you were given.',
  },
  board: {
    title: 'Board', lead: 'What runs where', live: 'live', never: 'nothing yet', by: (who: string) => `by ${who}`, queued: (n: number) => `${n} waiting`,
    release: 'Release…', running: 'Running now', servers: (n: number) => s(n, 'server'), project: 'Project', environment: 'Environment',
    empty: 'No project yet', emptyLead: 'Aweigh brings commits of a git repository to your servers. Three steps to the first release:',
    steps: ['Store the key that logs in to your servers', 'Register the servers', 'Add a project with an environment'],
    file: 'Or write it all into one file, and run', noEnvironments: 'no environment yet', addEnvironment: 'Add an environment', since: 'since',
  },
  project: {
    release: 'Release…', settings: 'Settings', history: 'Releases', chat: 'Chat', live: 'Live', running: 'Running',
    nothingLive: 'Nothing is live yet.', noHistory: 'No release yet.', environments: 'Environments', rollBack: 'Roll back…', repository: 'Repository',
    servers: 'Servers', path: 'Folder',
  },
  history: {
    title: 'History', empty: 'No release yet.', project: 'Project', environment: 'Environment', all: 'all',
    columns: { release: 'Release', what: 'What', where: 'Where', status: 'Status', by: 'By', took: 'Took', when: 'When' },
  },
  release: {
    title: (id: number) => `Release ${id}`, rollback: 'rollback', kind: { release: 'release', rollback: 'rollback' } as Record<string, string>,
    trunk: 'Shared steps', servers: 'Servers', batch: (n: number) => `Batch ${n}`, everything: 'Everything',
    by: (who: string) => `by ${who}`, took: (time: string) => `took ${time}`, since: (time: string) => `for ${time}`,
    watching: (n: number) => s(n, 'person watching', 'people watching'), from: 'before', note: 'Note',
    progress: (done: number, all: number) => `${done} of ${all} servers`, failedServers: (n: number) => `${n} failed`,
    cancel: 'Cancel release', cancelling: 'Stopping…', cancelTitle: 'Cancel this release?',
    cancelBefore: 'Nothing was switched yet: the servers stay as they are.',
    cancelAfter: 'Servers in hand are finished, then all switched ones go back to what they ran before.',
    keepGoing: 'Let it go on', rollBack: 'Roll back…', again: 'Release again…', resume: 'Let it go on',
    view: { label: 'View', tree: 'Tree', matrix: 'Matrix', map: 'Map' },
    tab: { label: 'Beside the tree', log: 'Log', changes: 'Changes', chat: 'Chat', info: 'Details' },
    queued: (n: number) => (n <= 1 ? 'Next in the queue' : `Number ${n} in the queue`),
    ended: {
      succeeded: 'Every server runs the new release.', failed: 'It failed, and no server was switched.',
      rolled_back: 'It failed, and every switched server runs again what it ran before.',
      partial: 'It failed, and not every server could be put back. Look at these servers:',
      cancelled: 'It was cancelled, and the servers stay as they were.', superseded: 'A newer release took its place.',
      interrupted: 'It stopped in the middle, and nobody knows how a step ended. Look at it, then let it go on or cancel it.',
    } as Record<string, string>,
    failedAt: 'What failed', openLog: 'Open its log', attempt: (n: number) => `try ${n}`,
    uploading: (what: string) => `Uploading: ${what}`, sent: (sent: string, all: string) => `${sent} of ${all}`, share: (percent: number, all: string) => `${percent}% of ${all}`,
    remaining: (time: string) => `${time} left`,
    filter: 'Find a server', noMatch: 'No server has this name.', problems: 'Problems first',
    ok: (n: number) => `${n} done`, left: (n: number) => `${n} waiting`, busy: (n: number) => `${n} running`, bad: (n: number) => `${n} failed`,
    info: { ref: 'Ref', commit: 'Commit', folder: 'Folder on the servers', started: 'Began', ended: 'Ended', created: 'Made', state: 'State of the servers', before: 'before', now: 'now' },
  },
  log: {
    title: (node: string) => `Log of ${node}`, choose: 'Choose a step to see what it wrote.', empty: 'It wrote nothing.', waiting: 'It has not begun.',
    follow: 'Follow', following: 'Following', newLines: (n: number) => `${s(n, 'new line')} ↓`, search: 'Search', hits: (n: number, all: number) => `${n}/${all}`,
    noHits: 'no hit', next: 'Next hit', previous: 'Previous hit', download: 'Download', wrap: 'Wrap', earlier: 'Load earlier lines', lines: (n: number) => s(n, 'line'),
    dropped: (size: string) => `… ${size} were left out here, because the step wrote too much …`, line: (n: number) => `Line ${n}`,
  },
  chat: {
    title: 'Chat', empty: 'Nobody has said anything yet.', write: 'Say something to everybody who watches', send: 'Send', earlier: 'Earlier messages',
    about: (node: string) => `about ${node}`, failed: 'It was not sent.',
  },
  fresh: {
    title: (project: string) => `Release ${project}`, environment: 'To', ref: 'What', refHint: 'A branch, a tag or a commit',
    kinds: { branch: 'Branches', tag: 'Tags', commit: 'Commits' }, search: 'Type a name or a commit', noRefs: 'Nothing fits.',
    changes: 'What comes', undone: 'What goes', same: 'Exactly this commit is live. Releasing it again builds and switches anew.', first: 'This is the first release here.',
    commits: (n: number, more: boolean) => `${n}${more ? '+' : ''} commit${n === 1 ? '' : 's'}`,
    undoneLead: (n: number) => `${s(n, 'commit')} that ${n === 1 ? 'is' : 'are'} live now ${n === 1 ? 'is' : 'are'} not in it`,
    servers: 'Only these servers', serversHint: 'a name or labels, such as role=web; all when empty', note: 'Note', noteHint: 'why, for the others',
    submit: (ref: string, env: string, n: number) => `Release ${ref} to ${env} (${s(n, 'server')})`, choose: 'Choose what to release',
    busy: (id: number) => `Release ${id} is not finished yet.`, seeIt: 'Look at it', queue: 'Wait behind it', fetch: 'Ask the repository again', fetching: 'Asking…',
    plan: (n: number) => `${s(n, 'step')}`, planning: 'Looking…',
  },
  rollback: {
    title: (project: string, env: string) => `Roll back ${project} in ${env}`, lead: 'The servers switch back to an earlier release. Nothing is built; hooks and health checks run.',
    target: 'Back to', undone: 'These commits go', submit: (id: number) => `Roll back to release ${id}`, none: 'There is no earlier good release.', live: 'live now',
  },
  servers: {
    title: 'Servers', add: 'Add a server', empty: 'No server yet', emptyLead: 'A server is one host that Aweigh logs in to over SSH. Nothing is installed on it.',
    host: 'Host', hostHint: 'a name or an address; `local` is the machine Aweigh runs on', port: 'Port', user: 'User', credential: 'Credential', labels: 'Labels', labelsHint: 'one per line: role=web',
    hostKey: 'Host keys', hostKeyHint: 'one per line, such as ssh-ed25519 AAAA…', check: 'Test connection', checking: 'Testing…', trust: 'Trust its key…',
    trustLead: 'Compare this with what the server itself says, over another way than this network:', trustCommand: 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    trustIt: 'It is the same: trust it', trusted: 'Its key is trusted.', pinned: 'trusted', notPinned: 'not trusted yet', none: 'no labels', usual: 'Good: releases can run there.',
  },
  credentials: {
    title: 'Credentials', add: 'Add a credential', empty: 'No credential yet', emptyLead: 'Keys, passwords and tokens that log in to servers and repositories. They are sealed, and never shown again.',
    kind: 'Kind', kinds: { 'ssh-key': 'SSH key', 'ssh-password': 'SSH password', 'ssh-agent': 'SSH agent', 'git-key': 'Git key', 'git-token': 'Git token' } as Record<string, string>,
    secret: 'Secret', secretKeep: 'empty: it stays as it is', passphrase: 'Passphrase', username: 'User name', fingerprint: 'Fingerprint', stored: 'Stored', file: 'From a file…',
  },
  define: {
    project: 'Project', newProject: 'New project', repository: 'Repository', repositoryHint: 'https://…, or git@host:org/name.git', credential: 'Credential', build: 'Build',
    run: 'Commands', runHint: 'one per line; they run on the control host, in a fresh tree of the commit', output: 'What is packed', outputHint: 'a folder of the tree; . is everything',
    exclude: 'Left out', excludeHint: 'patterns as in .gitignore, one per line', cache: 'Kept between builds', cacheHint: 'folders, one per line', timeout: 'Time limit',
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
  keys: {
    title: 'Keyboard', list: [['?', 'this list'], ['g b', 'board'], ['g h', 'history'], ['g s', 'servers'], ['↑ ↓ ← →', 'move in the tree'], ['Enter', 'open the log of a step'], ['n p', 'next, previous failure'], ['/', 'search'], ['f', 'follow the log'], ['Esc', 'close, back']] as [string, string][],
  },
}
