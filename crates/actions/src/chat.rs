//! Chat: people talk beside a release or a project. What they say is a fact like any other.

use model::Event;
use store::{NewChat, Said, Topic};

use crate::{Action, Actions, Actor, Error, Object, authorize, releases};

/// The longest message, in characters.
pub const LONGEST: usize = 4000;

impl Actions {
    /// Says `text` in `topic`, about one of its nodes where one is named; answers the fact.
    ///
    /// With the same `key` a repeated request answers the fact of the first.
    pub async fn say(
        &self,
        actor: &Actor,
        topic: Topic,
        text: &str,
        node: Option<String>,
        key: Option<String>,
    ) -> Result<Event, Error> {
        authorize(actor, Action::Chat, &object(&topic))?;
        let key = key.map(releases::sound_key).transpose()?;
        let text = sound(text)?.to_owned();
        let chat = NewChat { topic: topic.clone(), user: actor.name.clone(), text, node, key };
        match self.store().say(chat).await? {
            Said::New(event) | Said::Again(event) => Ok(event),
            Said::NoTopic => Err(Error::missing("topic", &topic)),
            Said::NoNode => Err(Error::invalid("node", "names no node of this release")),
        }
    }

    /// What was said in `topic` before number `before`: the last `limit` of it, oldest first. With it comes the
    /// `before` of the page before, where there is more.
    pub async fn chat(
        &self,
        actor: &Actor,
        topic: &Topic,
        before: u64,
        limit: u64,
    ) -> Result<(Vec<Event>, Option<u64>), Error> {
        self.may_watch(actor, topic)?;
        // Whether there is such a topic.
        self.events(actor, topic, u64::MAX, &store::LogFilter::None).await?;
        let mut said = self.store().chat(topic, before, limit + 1).await?;
        let more = said.len() as u64 > limit;
        said.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        said.reverse();
        let next = said.first().map(|event| event.seq).filter(|_| more);
        Ok((said, next))
    }
}

fn object(topic: &Topic) -> Object<'_> {
    match topic {
        Topic::Release(id) => Object::Release(*id),
        Topic::Project(name) => Object::Project(name),
        Topic::Board => Object::Installation,
    }
}

fn sound(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if text.chars().count() > LONGEST {
        return Err(Error::invalid("text", format!("is longer than {LONGEST} characters")));
    }
    if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Err(Error::invalid("text", "must not hold control characters"));
    }
    Ok(text)
}
