// What of a list of refs is shown.
import type { Ref } from '../api/types'

/** Those in which every word occurs: in the name, the id, the subject or the author. */
export function matching(refs: Ref[], search: string): Ref[] {
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return refs
  return refs.filter((one) => {
    const text = `${one.name} ${one.commit} ${one.summary} ${one.author}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
