// What people may wish of a release where it stands. The server decides; this only keeps the page from offering what it
// would refuse.
import type { ReleaseModel, Row } from './model.svelte'

/** Nobody works on it until somebody says what to do. */
export function waits(model: ReleaseModel): boolean {
  return model.status === 'paused' || model.status === 'interrupted'
}

/** It has begun and not ended. */
export function isActive(model: ReleaseModel): boolean {
  return model.status === 'running' || waits(model)
}

/** The number of the batch that somebody has to promote. */
export function held(model: ReleaseModel): number | null {
  if (model.status !== 'paused') return null
  const node = model.after.find((one) => one.step === 'batch' && one.status === 'paused')
  // Who pauses a release while a batch waits for its time finds that node paused, too; nobody has to promote it.
  if (!node || node.reason?.startsWith('begins ')) return null
  return node.batch ?? Number(node.key.replace('batch-', ''))
}

/** The whole release goes back; it does not turn round again. */
export function goesBack(model: ReleaseModel): boolean {
  return model.after.some((one) => one.key === 'undo')
}

/** A step of it failed, or it was left out. */
export function didFail(row: Row): boolean {
  return row.state === 'behind' || row.state === 'unknown' || row.worst === 'failed' || row.worst === 'unknown'
}

/** The servers that can be tried once more. */
export function retryable(model: ReleaseModel): Row[] {
  return waits(model) && !goesBack(model) ? model.rows.filter(didFail) : []
}

/** A server is to be left out, and is not yet. */
export function isLeaving(model: ReleaseModel, row: Row): boolean {
  return isActive(model) && model.leaving.has(row.name) && row.state !== 'behind'
}

/** Whether a server can be left out. */
export function canSkip(model: ReleaseModel, row: Row): boolean {
  return isActive(model) && !model.stopping && !goesBack(model) && row.state !== 'behind' && !model.leaving.has(row.name)
}
