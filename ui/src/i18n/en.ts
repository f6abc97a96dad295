// English, and the list of all messages but those in `later.ts`: the other languages must have exactly these.
import type { ReleaseStatus, StepStatus } from '../api/types'

/** A number and what there is so many of. */
export const s = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`

export const en = {
  name: 'English',
  common: {
    cancel: 'Cancel', close: 'Close', save: 'Save', create: 'Create', remove: 'Remove', edit: 'Edit',
    loading: 'Loading…', retry: 'Try again', more: 'Show more', copy: 'Copy', copied: 'Copied', none: 'none', name: 'Name',
    offline: 'Aweigh cannot be reached. Is it running, and is the network there?',
    unreadable: 'The answer of Aweigh broke off, or was changed on its way. What was asked for may have happened all the same.',
    notFound: 'There is nothing here.', home: 'To the board', optional: 'optional', unknown: 'unknown',
    sureRemove: (what: string) => `Remove ${what}?`, skip: 'Skip to the content',
    others: (n: number) => `and ${n.toLocaleString('en')} more`, newVersion: 'A new version of Aweigh is running.', reload: 'Reload',
  },
  nav: {
    board: 'Board', history: 'History', servers: 'Servers', run: 'Run', hooks: 'Hooks', credentials: 'Credentials', users: 'Users', audit: 'Audit',
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
    title: 'Sign in', user: 'User', password: 'Password', submit: 'Sign in', ended: 'Your session has ended. What you wrote here is still there: sign in again to go on.',
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
    file: 'Or write it all into one file, and run', noEnvironments: 'no environment yet', addEnvironment: 'Add an environment',
  },
  project: {
    release: 'Release…', settings: 'Settings', history: 'Releases', chat: 'Chat',
    nothingLive: 'Nothing is live yet.', adopt: 'Do Capistrano, Deployer, walle-web or Spug release there? Take their releases over:', noHistory: 'No release yet.', environments: 'Environments', rollBack: 'Roll back…', repository: 'Repository',
  },
  history: {
    title: 'History', empty: 'No release yet.', project: 'Project', environment: 'Environment',
    columns: { release: 'Release', what: 'What', where: 'Where', status: 'Status', by: 'By', took: 'Took', when: 'When' },
  },
  release: {
    title: (id: number) => `Release ${id}`, kind: { release: 'release', rollback: 'rollback', catch_up: 'catch-up', adopted: 'adopted' } as Record<string, string>,
    noCommit: 'Nobody knows the commit of this release: the tool that made it left no word.', trunk: 'Shared steps', servers: 'Servers', batch: (n: number) => `Batch ${n}`, everything: 'Everything',
    by: (who: string) => `by ${who}`, took: (time: string) => `took ${time}`, since: (time: string) => `for ${time}`,
    watching: (n: number) => s(n, 'person watching', 'people watching'), note: 'Note',
    progress: (done: number, all: number) => `${done} of ${all} servers`, failedServers: (n: number) => `${n} failed`,
    cancel: 'Cancel release', cancelling: 'Stopping…', cancelTitle: 'Cancel this release?',
    cancelBefore: 'Nothing was switched yet: the servers stay as they are.',
    cancelAfter: 'Servers in hand are finished, then all switched ones go back to what they ran before.',
    keepGoing: 'Let it go on', rollBack: 'Roll back…', again: 'Release again…', resume: 'Let it go on',
    view: { label: 'View', tree: 'Tree', matrix: 'Matrix', map: 'Map' },
    tab: { label: 'Beside the tree', log: 'Log', changes: 'Changes', chat: 'Chat', info: 'Details' },
    queued: (n: number) => (n <= 1 ? 'Next in the queue' : `Number ${n} in the queue`),
    ended: {
      succeeded: 'Every server runs it.', failed: 'It failed, and no server was switched.',
      rolled_back: 'It failed, and every switched server runs again what it ran before.',
      partial: 'It ended in the middle, and the servers may differ. Look at them.',
      cancelled: 'It was cancelled, and the servers stay as they were.', superseded: 'A newer release took its place.',
      paused: 'It is paused. Nothing happens until somebody lets it go on or cancels it.',
      interrupted: 'It stopped in the middle, and nobody knows how a step ended. Look at it, then let it go on or cancel it.',
    } as Record<string, string>,
    succeededBut: (n: number) => `${s(n, 'server')} ${n === 1 ? 'was' : 'were'} left out; all others run it.`, openLog: 'Open its log', attempt: (n: number) => `try ${n}`,
    uploading: (what: string) => `Uploading: ${what}`, sent: (sent: string, all: string) => `${sent} of ${all}`, share: (percent: number, all: string) => `${percent}% of ${all}`,
    remaining: (time: string) => `${time} left`,
    filter: 'Find a server', noMatch: 'No server has this name.', problems: 'Problems first',
    info: { ref: 'Ref', commit: 'Commit', folder: 'Folder on the servers', started: 'Began', ended: 'Ended', created: 'Made', state: 'State of the servers', before: 'before', now: 'now' },
  },
  steer: {
    label: 'What to do with it', pause: 'Pause', pausing: 'Pausing… servers in hand are finished first', pauseLead: 'It waits at the next border between steps; servers in hand are finished first.',
    promote: (batch: number) => `Promote: go on with batch ${batch}`,
    held: (batch: number) => `Batch ${batch - 1} is done. Batch ${batch} begins when somebody promotes it; cancelling goes back.`,
    retryAll: (n: number) => `Try the failed servers again (${n})`, retry: (server: string) => `Try ${server} again`,
    retryLead: (n: number) => `${s(n, 'server')} failed or ${n === 1 ? 'was' : 'were'} left out. Trying again lets the release go on, too.`,
    retryHeld: (n: number) => `${s(n, 'server')} failed or ${n === 1 ? 'was' : 'were'} left out. Trying again promotes nothing: it waits behind the batch once more.`,
    skip: (server: string) => `Leave ${server} out…`, skipTitle: (server: string) => `Leave ${server} out of this release?`, skipIt: (server: string) => `Leave ${server} out`,
    skipLead: 'What still runs there for this release is killed. Where it was switched, it goes back to what it ran before. The other servers go on.',
    skipLater: 'Now the release waits: it is done when the release goes on.', leaves: (server: string) => `Leaving ${server} out…`, leavesLater: (server: string) => `${server} is left out when the release goes on.`,
    leave: 'Leave it as it is', now: 'Go back at once', nowOpen: 'Go back at once…', nowTitle: 'Is it urgent? Go back at once',
    nowLead: 'This release ends wherever it stands, and the servers go back to what ran before it. Nothing is waited for: what hangs is killed, and a server that is dead is left out. This release is then cancelled, or partial where servers were switched. The way back is a release of its own, which is shown next; when it succeeds, the environment is locked.',
  },
  lock: {
    by: (who: string) => `Locked by ${who}`, itself: 'Locked by Aweigh', until: (time: string) => `until ${time}`, since: 'Locked', lock: 'Lock…', unlock: 'Unlock…',
    title: (project: string, env: string) => `Lock ${project} in ${env}`, lead: 'Nobody but you releases there, and what waits in the queue waits on. A rollback is never locked out. Anybody may unlock.',
    reason: 'Reason', reasonHint: 'why, for the others', end: 'Until', endHint: 'empty: until somebody unlocks it', lockIt: 'Lock',
    unlockTitle: (project: string, env: string) => `Unlock ${project} in ${env}?`, unlockLead: 'Everybody may release there again, and what waits in the queue goes on.', unlockIt: 'Unlock',
  },
  drift: {
    open: 'Compare with the servers', title: (project: string, env: string) => `What the servers of ${project} in ${env} run`, asking: 'Asking the servers…', again: 'Ask again',
    same: (live: number) => `Every server runs what is live, release ${live}.`, nothingLive: 'Nothing is live here.',
    differ: (n: number, live: number) => (n === 0 ? `The servers that answered run what is live, release ${live}.` : `${s(n, 'server')} ${n === 1 ? 'does' : 'do'} not run what is live, release ${live}.`),
    away: (n: number) => `${s(n, 'server')} could not be asked.`, bring: 'Bring them up to date',
    lead: (live: number) => `That is a release of its own: it brings release ${live} to the servers that answered and do not run it, also where somebody put something else.`,
    accept: 'It is right so', acceptedBy: (who: string) => `accepted by ${who}`, acceptLead: 'Or say that it is right so: then nobody is told until they run something else.',
    sign: (n: number) => `${s(n, 'server')} ${n === 1 ? 'runs' : 'run'} something else`,
    columns: { server: 'Server', state: 'State', runs: 'What it runs' },
    states: { same: 'as it should be', behind: 'behind', foreign: 'foreign', unknown: 'not reached' } as Record<string, string>,
  },
  log: {
    title: (node: string) => `Log of ${node}`, choose: 'Choose a step to see what it wrote.', empty: 'It wrote nothing.', waiting: 'It has not begun.',
    follow: 'Follow', newLines: (n: number) => `${s(n, 'new line')} ↓`, search: 'Search', hits: (n: number, all: number) => `${n}/${all}`,
    noHits: 'no hit', download: 'Download', wrap: 'Wrap', earlier: 'Load earlier lines', onlyLast: (n: number) => `Only about the last ${s(n, 'line')} are shown here. The download has all of them.`, lines: (n: number) => s(n, 'line'),
    dropped: (size: string) => `… ${size} were left out here, because the step wrote too much …`,
  },
  chat: {
    title: 'Chat', empty: 'Nobody has said anything yet.', write: 'Say something to everybody who watches', send: 'Send', earlier: 'Earlier messages',
    about: (node: string) => `about ${node}`,
  },
  fresh: {
    title: (project: string) => `Release ${project}`, environment: 'To', ref: 'What', refHint: 'A branch, a tag or a commit',
    kinds: { branch: 'Branches', tag: 'Tags', commit: 'Commits' }, search: 'Type a name or a commit', noRefs: 'Nothing fits.',
    changes: 'What comes', undone: 'What goes', same: 'Exactly this commit is live. Releasing it again builds and switches anew.', first: 'This is the first release here.',
    commits: (n: number, more: boolean) => `${n}${more ? '+' : ''} commit${n === 1 ? '' : 's'}`,
    undoneLead: (n: number) => `${s(n, 'commit')} that ${n === 1 ? 'is' : 'are'} live now ${n === 1 ? 'is' : 'are'} not in it`,
    servers: 'Only these servers', serversHint: 'a name or labels, such as role=web; all when empty', note: 'Note', noteHint: 'why, for the others',
    submit: (ref: string, env: string, n: number) => `Release ${ref} to ${env} (${s(n, 'server')})`, choose: 'Choose what to release',
    busy: (id: number) => `Release ${id} is not finished yet.`, seeIt: 'Look at it', queue: 'Wait behind it', supersede: 'Wait in place of the others', supersedeHint: 'In place of the others: what waits there already ends as superseded, and only this one follows.', fetch: 'Ask the repository again', fetching: 'Asking…',
    plan: (n: number) => `${s(n, 'step')}`, planning: 'Looking…',
  },
  rollback: {
    title: (project: string, env: string) => `Roll back ${project} in ${env}`, lead: 'The servers switch back to an earlier release. Nothing is built; hooks and health checks run.',
    target: 'Back to', undone: 'These commits go', submit: (id: number) => `Roll back to release ${id}`, none: 'There is no earlier good release.',
  },
  keys: {
    title: 'Keyboard', list: [['?', 'this list'], ['g b', 'board'], ['g h', 'history'], ['g s', 'servers'], ['g r', 'run a command'], ['↑ ↓ ← →', 'move in the tree'], ['Enter', 'open the log of a step'], ['n p', 'next, previous failure'], ['/', 'search'], ['f', 'follow the log'], ['Esc', 'close, back']] as [string, string][],
  },
}
