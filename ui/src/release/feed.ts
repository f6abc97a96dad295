// Hands the facts of one topic to the parts of a screen that want one kind of them.
import type { Fact, LogFact } from '../api/types'

type Chat = Extract<Fact, { kind: 'chat' }>

export class Feed {
  #logs = new Set<(fact: LogFact) => void>()
  #chats = new Set<(fact: Chat) => void>()
  #readers = new Set<() => void>()

  readonly logs = { listen: (tell: (fact: LogFact) => void) => this.#in(this.#logs, tell) }
  /** `read` is called when what was read before may lack something. */
  readonly chats = {
    listen: (tell: (fact: Chat) => void, read: () => void) => {
      const ends = [this.#in(this.#chats, tell), this.#in(this.#readers, read)]
      return () => { for (const end of ends) end() }
    },
  }

  /** Something may have happened that no fact told. */
  again(): void {
    for (const read of this.#readers) read()
  }

  give(facts: Fact[]): void {
    for (const fact of facts) {
      if (fact.kind === 'log') for (const tell of this.#logs) tell(fact.data)
      if (fact.kind === 'chat') for (const tell of this.#chats) tell(fact)
    }
  }

  #in<T>(all: Set<T>, one: T): () => void {
    all.add(one)
    return () => all.delete(one)
  }
}
