//! What git has answered about mirrors, kept in memory within fixed bounds.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::state::{Seen, State};

/// How much is kept, in bytes unless the name says otherwise.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Of one answer, with its question.
    one: usize,
    /// Of one mirror.
    mirror: usize,
    /// Questions about one mirror.
    questions: usize,
    /// Of all mirrors.
    all: usize,
}

const BOUNDS: Bounds = Bounds { one: 1 << 20, mirror: 4 << 20, questions: 1000, all: 32 << 20 };

/// What an entry costs besides its texts, about.
const ENTRY: usize = 200;

/// What git has answered about any number of mirrors. An answer is given again only while the mirror is as it was when
/// git gave it; at most 32 MiB are kept, and of one mirror at most 4 MiB and 1000 answers.
///
/// Clones share what they keep. [`GitRepository::sharing`](crate::GitRepository::sharing) says whose answers a
/// repository uses.
#[derive(Clone, Default)]
pub struct Answers(Arc<Mutex<Shelves>>);

impl fmt::Debug for Answers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Answers({} bytes)", self.bytes())
    }
}

/// How long an answer lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It tells of refs: until anything of the mirror changes.
    Refs,
    /// It tells of commits that were asked for by their full ids, which never change: until the objects of the mirror
    /// become more or fewer, since one day they may not be there any more, and since new ones make short ids longer.
    Commits,
}

/// The answers about one mirror.
#[derive(Default)]
struct Shelf {
    /// As the mirror was when the answers that tell of refs were given.
    refs: Vec<Seen>,
    /// The same for those that tell of commits.
    packs: Option<Seen>,
    answers: HashMap<String, Answer>,
    bytes: usize,
    used: u64,
}

struct Answer {
    lasts: Lasts,
    said: Arc<[u8]>,
    used: u64,
}

#[derive(Default)]
struct Shelves {
    mirrors: HashMap<String, Shelf>,
    bytes: usize,
    /// Counts every use, so that what was not used for longest is known.
    uses: u64,
}

impl Answers {
    /// How many bytes are kept, about.
    pub fn bytes(&self) -> usize {
        self.shelves().bytes
    }

    /// The answer to a question, if it is still true of a mirror that looks like `state`.
    pub(crate) fn find(&self, mirror: &str, question: &str, state: &State) -> Option<Arc<[u8]>> {
        let mut shelves = self.shelves();
        shelves.uses += 1;
        let now = shelves.uses;
        let shelf = shelves.mirrors.get_mut(mirror)?;
        let answer = shelf.answers.get_mut(question)?;
        let is_true = match answer.lasts {
            Lasts::Refs => shelf.refs == state.all,
            Lasts::Commits => shelf.packs == Some(state.packs),
        };
        (shelf.used, answer.used) = (now, now);
        is_true.then(|| Arc::clone(&answer.said))
    }

    /// Keeps an answer that git gave after the mirror looked like `state`, in the place of one that was not used for
    /// long. What is not true any more goes.
    pub(crate) fn keep(&self, mirror: &str, question: String, lasts: Lasts, said: Arc<[u8]>, state: &State) {
        // A commit that was there just now is there; what happens to it later in the same step of the clock would show
        // itself as an error of the next command. A ref that has moved shows itself nowhere else.
        if lasts == Lasts::Commits || state.has_settled() {
            self.shelves().keep(&BOUNDS, mirror, question, Answer { lasts, said, used: 0 }, state);
        }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn keep(&mut self, bounds: &Bounds, mirror: &str, question: String, mut answer: Answer, state: &State) {
        if cost(&question, &answer) > bounds.one {
            return;
        }
        self.uses += 1;
        answer.used = self.uses;
        let shelf = self.mirrors.entry(mirror.to_owned()).or_default();
        self.bytes -= shelf.bytes;
        shelf.used = self.uses;
        shelf.keep(bounds, question, answer, state);
        shelf.bytes += mirror.len();
        self.bytes += shelf.bytes;
        while self.bytes > bounds.all {
            let oldest = self.mirrors.iter().min_by_key(|(_, shelf)| shelf.used);
            let Some(oldest) = oldest.map(|(mirror, _)| mirror.clone()) else { break };
            self.bytes -= self.mirrors.remove(&oldest).map_or(0, |shelf| shelf.bytes);
        }
    }
}

impl Shelf {
    fn keep(&mut self, bounds: &Bounds, question: String, answer: Answer, state: &State) {
        let is_true = match answer.lasts {
            Lasts::Refs => self.refs == state.all,
            Lasts::Commits => self.packs == Some(state.packs),
        };
        if !is_true {
            self.answers.retain(|_, other| other.lasts != answer.lasts);
            match answer.lasts {
                Lasts::Refs => self.refs.clone_from(&state.all),
                Lasts::Commits => self.packs = Some(state.packs),
            }
        }
        self.answers.insert(question, answer);
        let answers = self.answers.iter().map(|(question, answer)| cost(question, answer));
        self.bytes = answers.sum::<usize>() + size_of_val(self.refs.as_slice()) + ENTRY;
        while self.answers.len() > bounds.questions || self.bytes > bounds.mirror {
            let oldest = self.answers.iter().min_by_key(|(_, answer)| answer.used);
            let Some(oldest) = oldest.map(|(question, _)| question.clone()) else { break };
            self.bytes -= self.answers.remove(&oldest).map_or(0, |answer| cost(&oldest, &answer));
        }
    }
}

fn cost(question: &str, answer: &Answer) -> usize {
    question.len() + answer.said.len() + ENTRY
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds { one: 2000, mirror: 5000, questions: 10, all: 12_000 };

    /// States that differ in their refs, and in their packs.
    fn state(refs: i64, packs: i64) -> State {
        State::made_up(refs, packs)
    }

    fn answer(lasts: Lasts, bytes: usize) -> Answer {
        Answer { lasts, said: vec![b'x'; bytes].into(), used: 0 }
    }

    fn counted(shelves: &Shelves) -> usize {
        let of = |(mirror, shelf): (&String, &Shelf)| {
            let answers: usize = shelf.answers.iter().map(|(question, answer)| cost(question, answer)).sum();
            answers + mirror.len() + size_of_val(shelf.refs.as_slice()) + ENTRY
        };
        shelves.mirrors.iter().map(of).sum()
    }

    #[test]
    fn an_answer_is_true_as_long_as_what_it_tells_of_is_unchanged() {
        let answers = Answers::default();
        let keep = |question: &str, lasts, state: &State| {
            answers.keep("m", question.into(), lasts, (*b"x").into(), state);
        };
        let is_known = |question, state: &State| answers.find("m", question, state).is_some();
        keep("branches", Lasts::Refs, &state(1, 1));
        keep("time of 1", Lasts::Commits, &state(1, 1));
        assert!(is_known("branches", &state(1, 1)) && is_known("time of 1", &state(1, 1)));
        assert!(!is_known("branches", &state(2, 1)) && is_known("time of 1", &state(2, 1)));
        assert!(!is_known("branches", &state(2, 2)) && !is_known("time of 1", &state(2, 2)));
        assert!(answers.find("other", "branches", &state(1, 1)).is_none());
        keep("tags", Lasts::Refs, &state(2, 1));
        assert!(!is_known("branches", &state(1, 1)), "it was true of an older state only");
        assert!(!is_known("branches", &state(2, 1)), "it is not true of the newer state");
        assert!(is_known("tags", &state(2, 1)) && is_known("time of 1", &state(2, 1)));
    }

    #[test]
    fn what_tells_of_refs_is_not_kept_before_the_mirror_has_settled() {
        let answers = Answers::default();
        let young = state(State::YOUNG, 1);
        answers.keep("m", "branches".into(), Lasts::Refs, (*b"x").into(), &young);
        answers.keep("m", "time of 1".into(), Lasts::Commits, (*b"x").into(), &young);
        assert!(answers.find("m", "branches", &young).is_none());
        assert!(answers.find("m", "time of 1", &young).is_some());
    }

    #[test]
    fn neither_many_questions_nor_long_answers_nor_many_mirrors_pass_the_bounds() {
        let mut shelves = Shelves::default();
        for number in 0..2000_u16 {
            let lasts = if number % 3 == 0 { Lasts::Refs } else { Lasts::Commits };
            let (refs, packs) = (i64::from(number / 50), i64::from(number / 70));
            let mirror = format!("mirror {}", number % 7);
            let bytes = usize::from(number) * 131 % 2500;
            shelves.keep(&SMALL, &mirror, format!("q{number}"), answer(lasts, bytes), &state(refs, packs));
            assert_eq!(shelves.bytes, counted(&shelves));
            assert!(shelves.bytes <= SMALL.all, "{} bytes", shelves.bytes);
            for shelf in shelves.mirrors.values() {
                assert!(shelf.bytes <= SMALL.mirror + "mirror 1".len(), "{} bytes", shelf.bytes);
                assert!(shelf.answers.len() <= SMALL.questions);
            }
        }
        assert!(shelves.bytes > SMALL.all / 2, "something is kept");
        let kept = shelves.mirrors.values().flat_map(|shelf| shelf.answers.values());
        assert!(kept.map(|answer| answer.said.len()).all(|length| length < SMALL.one));
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut shelves = Shelves::default();
        let state = state(1, 1);
        for number in 0..100 {
            shelves.keep(&SMALL, "m", format!("{number}"), answer(Lasts::Commits, 1), &state);
            let shelf = shelves.mirrors.get_mut("m").unwrap();
            // As `find` does it.
            shelf.answers.get_mut("0").unwrap().used = u64::MAX;
        }
        let shelf = &shelves.mirrors["m"];
        assert!(shelf.answers.contains_key("0") && shelf.answers.contains_key("99"));
        assert_eq!(shelf.answers.len(), SMALL.questions);
    }
}
