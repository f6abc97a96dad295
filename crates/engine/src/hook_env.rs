//! What a hook learns from its environment (DESIGN section 7). Every variable is set, empty where there is nothing.

use model::{Action, Plan, Server};

/// Where a hook runs.
#[derive(Debug, Clone, Default)]
pub struct Place<'a> {
    /// The server; `None` on the control host.
    pub server: Option<&'a Server>,
    /// The resolved folder of the environment there.
    pub root: &'a str,
    /// The release's folder below the root, `releases/NAME`.
    pub folder: &'a str,
    /// The folder in `releases/` that was live at first contact.
    pub previous: &'a str,
    /// The commit that was live at first contact.
    pub previous_revision: &'a str,
    /// For `on_failure`: the servers that failed.
    pub failed_servers: &'a str,
    /// For `on_failure`: the step that failed.
    pub failed_step: &'a str,
}

/// The lines `NAME=value` of a hook; a line break in a value becomes a space.
pub fn variables(plan: &Plan, action: Action, public_url: &str, place: &Place<'_>) -> Vec<String> {
    let below = |path: &str| match place.root {
        _ if path.is_empty() || path.starts_with('/') => path.to_owned(),
        "" => String::new(),
        root => format!("{root}/{path}"),
    };
    let name = place.folder.strip_prefix("releases/").unwrap_or_default();
    let roles: Vec<&str> = place.server.map(|server| server.roles().collect()).unwrap_or_default();
    let server = place.server.map_or("", |server| server.name.as_str());
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = plan.release.to_string();
    let all = [
        ("ACTION", action.word().to_owned()),
        ("PROJECT", plan.project.name.to_string()),
        ("ENV", plan.environment.name.to_string()),
        ("RELEASE", number.clone()),
        ("RELEASE_NAME", name.to_owned()),
        ("RELEASE_PATH", below(place.folder)),
        ("CURRENT_PATH", below("current")),
        ("SHARED_PATH", below("shared")),
        ("PREVIOUS_RELEASE", place.previous.to_owned()),
        ("REF", plan.git_ref.clone()),
        ("BRANCH", text(&plan.branch)),
        ("TAG", text(&plan.tag)),
        ("REVISION", plan.commit.known().map(ToString::to_string).unwrap_or_default()),
        ("PREVIOUS_REVISION", place.previous_revision.to_owned()),
        ("SERVER", server.to_owned()),
        ("ROLES", roles.join(",")),
        ("BATCH", place.server.map(|server| plan.batch_of(&server.name).to_string()).unwrap_or_default()),
        ("USER", plan.by.clone()),
        ("RELEASE_URL", format!("{public_url}/r/{number}")),
    ];
    let mut lines: Vec<String> = all.iter().map(|(name, value)| line(name, value)).collect();
    if !place.failed_step.is_empty() {
        lines.push(line("FAILED_SERVERS", place.failed_servers));
        lines.push(line("FAILED_STEP", place.failed_step));
    }
    lines
}

fn line(name: &str, value: &str) -> String {
    let clean: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("AWEIGH_{name}={clean}")
}
