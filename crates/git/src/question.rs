//! A question to git that is answered from memory where that is as good as asking.

use std::{fmt::Write as _, sync::Arc};

use crate::{
    Error, GitRepository,
    answers::Lasts,
    fields::{Fields, records},
    state::State,
};

/// A command that only reads the mirror.
pub(crate) struct Question<'q> {
    pub(crate) verb: &'static str,
    pub(crate) args: &'q [&'q str],
    pub(crate) input: Option<&'q str>,
    pub(crate) cut: Cut,
}

/// How much of an answer is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// Fields that end with NUL, 4096 bytes of each.
    Fields,
    /// So many bytes.
    Bytes(usize),
}

/// What git says to a question. It is remembered only when whoever asked has understood it and says so.
pub(crate) struct Heard {
    pub(crate) said: Arc<[u8]>,
    /// As the mirror was before git was asked; nothing when the answer is remembered already or cannot be.
    state: Option<State>,
}

impl Question<'_> {
    /// Everything that decides about the answer. There is no NUL in an argument.
    fn key(&self) -> String {
        let mut key = format!("{:?}\0{}", self.cut, self.verb);
        for arg in self.args {
            let _ = write!(key, "\0{arg}");
        }
        key + "\0\0" + self.input.unwrap_or_default()
    }
}

impl GitRepository {
    /// Asks git, unless it has answered the same question and the mirror is as it was before that.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Heard, Error> {
        let known = State::of(&self.git.mirror)
            .and_then(|state| self.answers.find(&self.identity, &question.key(), &state));
        if let Some(said) = known {
            return Ok(Heard { said, state: None });
        }
        // Before git is asked: what changes from now on shows in a later state, whether git still sees it or not.
        let state = State::with_time(&self.folder, &self.git.mirror);
        let said = match question.cut {
            Cut::Fields => {
                let mut fields = Fields::default();
                self.read(question.verb, question.args, question.input, |bytes| fields.feed(bytes)).await?;
                fields.end()
            }
            Cut::Bytes(most) => {
                let mut said = Vec::new();
                let take = |bytes: &[u8]| {
                    let room = most.saturating_sub(said.len());
                    said.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                };
                self.read(question.verb, question.args, question.input, take).await?;
                said
            }
        };
        Ok(Heard { said: said.into(), state })
    }

    /// Remembers an answer.
    pub(crate) fn remember(&self, question: &Question<'_>, lasts: Lasts, heard: &Heard) {
        self.remember_too(question, lasts, heard, &heard.said);
    }

    /// Remembers what git would say to another question, which follows from what was heard.
    pub(crate) fn remember_too(&self, question: &Question<'_>, lasts: Lasts, heard: &Heard, said: &[u8]) {
        if let Some(state) = &heard.state {
            self.answers.keep(&self.identity, question.key(), lasts, said.into(), state);
        }
    }

    /// Asks for a list of records of `N` fields, of which `one` makes items or nothing.
    pub(crate) async fn list<T, const N: usize>(
        &self,
        lasts: Lasts,
        verb: &'static str,
        args: &[&str],
        one: impl Fn([String; N]) -> Result<Option<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let question = Question { verb, args, input: None, cut: Cut::Fields };
        let heard = self.ask(&question).await?;
        let items = records(&heard.said).into_iter().filter_map(|record| one(record).transpose());
        let items = items.collect::<Result<_, _>>()?;
        self.remember(&question, lasts, &heard);
        Ok(items)
    }
}
