//! The tools that a release needs on a server.

use super::Finding;
use crate::facts::{Facts, Tool};

/// Every release uses these.
const NEEDED: [&str; 6] = ["tar", "setsid", "stat", "xargs", "head", "cmp"];

const INSTALL: &str = "Debian: apt-get install tar util-linux coreutils findutils diffutils zstd; a server with busybox has them";

/// What is found of each tool, and of what unpacks.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = NEEDED.iter().map(|name| tool(name, facts.tool(name))).collect();
    let what = "zstd or gzip";
    findings.push(match facts.tool("zstd").or_else(|| facts.tool("gzip")) {
        Some(tool) => Finding::good(what, told(tool)),
        None => missing(what),
    });
    findings
}

fn tool(what: &str, found: Option<&Tool>) -> Finding {
    match found {
        None => missing(what),
        Some(tool) if tool.works => Finding::good(what, told(tool)),
        Some(tool) => {
            let detail = format!("{} does not know the options that a release needs", told(tool));
            Finding::bad(what, detail).hint("releases need the tools of GNU or of busybox")
        }
    }
}

fn missing(what: &str) -> Finding {
    Finding::bad(what, "not found").hint(format!("install {what} on the server; {INSTALL}"))
}

fn told(tool: &Tool) -> String {
    match &tool.version {
        Some(version) => format!("{}, {version}", tool.path),
        None => tool.path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn each_tool_is_judged_and_one_that_unpacks_is_enough() {
        let tool = |name: &str, works| Tool {
            name: name.into(),
            path: format!("/bin/{name}"),
            version: Some("1.2".into()),
            works,
        };
        let mut facts =
            Facts { tools: NEEDED.iter().map(|name| tool(name, true)).collect(), ..Facts::default() };
        let bad = |facts: &Facts| -> Vec<String> {
            let findings = judge(facts).into_iter();
            findings.filter(|finding| finding.verdict != Verdict::Ok).map(|finding| finding.what).collect()
        };
        assert_eq!(bad(&facts), ["zstd or gzip"]);
        facts.tools.push(tool("gzip", false));
        assert_eq!(bad(&facts), Vec::<String>::new());
        facts.tools[2].works = false;
        facts.tools.remove(1);
        assert_eq!(bad(&facts), ["setsid", "stat"]);
        assert_eq!(judge(&facts)[0].detail, "/bin/tar, 1.2");
    }
}
