//! Topics: the streams of numbered facts, and which log texts a viewer of one wants.

use std::fmt;
use std::str::FromStr;

use model::{Name, ReleaseId};

/// A stream of facts with numbers of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// One release, `release:42`.
    Release(ReleaseId),
    /// One project, `project:shop`: how its releases stand, and chat.
    Project(Name),
    /// Everything at a glance, `board`: how every release stands.
    Board,
}

/// A text that is not a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a topic, such as release:42")]
pub struct InvalidTopic;

impl FromStr for Topic {
    type Err = InvalidTopic;

    fn from_str(text: &str) -> Result<Self, InvalidTopic> {
        match text.split_once(':') {
            None if text == "board" => Ok(Self::Board),
            Some(("release", id)) => {
                // One spelling per topic: no sign, no zeros in front.
                let number: i64 = id.parse().map_err(|_| InvalidTopic)?;
                let plain = number > 0 && number.to_string() == id;
                if plain { Ok(Self::Release(ReleaseId(number))) } else { Err(InvalidTopic) }
            }
            Some(("project", name)) => name.parse().map(Self::Project).map_err(|_| InvalidTopic),
            _ => Err(InvalidTopic),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(id) => write!(f, "release:{id}"),
            Self::Project(name) => write!(f, "project:{name}"),
            Self::Board => f.write_str("board"),
        }
    }
}

/// Which nodes' log text a viewer wants. The facts of the others come without it, so numbers have no gaps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum LogFilter {
    /// Every node's.
    #[default]
    All,
    /// None.
    None,
    /// Those with these keys.
    Nodes(Vec<String>),
}

impl From<&str> for LogFilter {
    /// `all`, `none`, or the keys of nodes, joined by commas.
    fn from(text: &str) -> Self {
        match text {
            "" | "all" => Self::All,
            "none" => Self::None,
            keys => Self::Nodes(keys.split(',').map(str::to_owned).collect()),
        }
    }
}

impl LogFilter {
    /// Whether the text of `node` is wanted.
    pub fn wants(&self, node: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Nodes(keys) => keys.iter().any(|key| key == node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_one_spelling() {
        for good in ["release:42", "project:shop", "board"] {
            assert_eq!(good.parse::<Topic>().unwrap().to_string(), good);
        }
        for bad in ["", "release", "release:", "release:0", "release:-1", "release:+1", "release:01"] {
            assert_eq!(bad.parse::<Topic>(), Err(InvalidTopic), "{bad:?}");
        }
        for bad in ["project:", "project:A", "board:x", "Board", "release:99999999999999999999"] {
            assert_eq!(bad.parse::<Topic>(), Err(InvalidTopic), "{bad:?}");
        }
    }
}
