// A form in which something was changed is not left without a question.
import { later } from '../i18n/later'
import { go, guard } from '../router.svelte'

/** Has the question asked before this screen is left, as long as `isChanged`. Answers how it is left without one: when what
 * stood there was saved, or is given up on purpose. */
export function leaving(isChanged: () => boolean): (target: string) => void {
  let isDone = false
  $effect(() => guard(() => (!isDone && isChanged() ? later().forms.lose : null)))
  return (target) => {
    isDone = true
    go(target)
  }
}
