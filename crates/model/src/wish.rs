//! Wishes: what people want of a release that is under way. They are stored before anybody acts on them, so that no
//! restart forgets them.

use crate::Name;

/// Everything that is wanted of one release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// It is to stop, and what was switched is to go back.
    pub stop: bool,
    /// It is to wait at the next border between steps; who wants that.
    pub pause: Option<String>,
    /// The last batch that may begin although a hold stands before it; 0 for none.
    pub promoted: u32,
    /// These servers are to be left out, and go back where they were switched.
    pub skip: Vec<Name>,
    /// These servers failed, or were left out, and are to be tried once more.
    pub retry: Vec<Name>,
}
