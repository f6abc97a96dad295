// Hands the facts of one topic to the parts of a screen that want one kind of them.
import type { Fact, LogFact } from '../api/types'

type Chat = Extract<Fact, { kind: 'chat' }>

export class Feed {
  #logs = new Set<(fact: LogFact) => void>()
  #chats = new Set<(fact: Chat) => void>()

  readonly logs = { listen: (tell: (fact: LogFact) => void) => this.#in(this.#logs, tell) }
  readonly chats = { listen: (tell: (fact: Chat) => void) => this.#in(this.#chats, tell) }

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
