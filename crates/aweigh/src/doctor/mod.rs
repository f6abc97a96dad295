//! The doctor: looks at the machine of Aweigh and says what does not work, or works less safely than it could, and what to
//! do. A running server looks at itself, with its own user, settings and limits; without one `aweigh doctor` looks.

mod folders;
mod limits;
mod network;
mod programs;

use actions::{Doctor, Examined, Health, MachineFinding};
use engine::sandbox::Sandbox;

use crate::config::Settings;

/// The machine, as far as settings and the start of a server tell of it.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    sandbox: Sandbox,
}

impl Machine {
    /// The machine on which a server with these settings runs, or would.
    pub fn new(settings: Settings, sandbox: Sandbox) -> Self {
        Self { settings, sandbox }
    }
}

impl Doctor for Machine {
    fn examine(&self) -> Examined {
        let mut findings = vec![sandbox(&self.sandbox)];
        findings.extend(folders::look(&self.settings));
        findings.extend(network::look(&self.settings));
        findings.extend(programs::look());
        findings.extend(limits::look(&self.settings));
        Examined { sandbox: self.sandbox.clone(), findings }
    }
}

/// The sandbox; it failed when nothing is run in it.
fn sandbox(sandbox: &Sandbox) -> MachineFinding {
    let hint = sandbox.missing.join("; ");
    match sandbox.refusal() {
        Some(refusal) => found("sandbox", Health::Failed, refusal.message, refusal.hint.unwrap_or_default()),
        None if hint.is_empty() => ok("sandbox", sandbox.words.clone()),
        None => found("sandbox", Health::Warning, sandbox.words.clone(), hint),
    }
}

/// Something that is as it should be.
fn ok(what: &'static str, detail: impl Into<String>) -> MachineFinding {
    MachineFinding { what, health: Health::Ok, detail: detail.into(), hint: None }
}

/// Something that is not, and what to do.
fn found(
    what: &'static str,
    health: Health,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> MachineFinding {
    MachineFinding { what, health, detail: detail.into(), hint: Some(hint.into()) }
}
