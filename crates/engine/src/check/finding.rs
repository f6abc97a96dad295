//! One line of a server's check list.

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `connect`, `login`, `tar`, `path shop/production` …; no two of a list are the same.
    pub what: String,
    /// Whether it is as a release needs it.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do next where it is not.
    pub hint: Option<String>,
}

/// Whether something is as a release needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Ok,
    /// Releases run, and somebody should look at it.
    Warning,
    /// Releases do not run, or are not safe.
    Failed,
}

impl Finding {
    /// It is as it should be.
    pub(super) fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of(Verdict::Ok, what, detail)
    }

    /// Worth a look.
    pub(super) fn worth(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of(Verdict::Warning, what, detail)
    }

    /// Not as a release needs it.
    pub(super) fn bad(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of(Verdict::Failed, what, detail)
    }

    pub(super) fn of(verdict: Verdict, what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, detail: detail.into(), hint: None }
    }

    /// With advice.
    #[must_use]
    pub(super) fn hint<H: Into<Hint>>(mut self, hint: H) -> Self {
        self.hint = hint.into().0;
        self
    }
}

/// Advice, where there is some.
pub(super) struct Hint(Option<String>);

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self(Some(text))
    }
}

impl From<Option<String>> for Hint {
    fn from(text: Option<String>) -> Self {
        Self(text)
    }
}
