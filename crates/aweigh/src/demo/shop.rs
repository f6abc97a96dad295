//! The sample repository: a small shop with a few versions, one of which is broken.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::advice::Advised;

/// The version that is released first.
pub const FIRST: &str = "v1.0.0";

/// The versions that work, oldest first.
pub const VERSIONS: [&str; 3] = [FIRST, "v1.1.0", "v1.2.0"];

/// The version that no server stays healthy with.
pub const BROKEN: &str = "v1.3.0-broken";

/// What each commit says and changes.
const HISTORY: [(&str, &str, &str); 6] = [
    ("Open the shop", "<h1>Anchor &amp; Rope</h1><p>Everything for your boat.</p>", FIRST),
    ("Sell sails, too", "<h1>Anchor &amp; Rope</h1><p>Everything for your boat. New: sails.</p>", ""),
    ("Show prices with tax", "<h1>Anchor &amp; Rope</h1><p>New: sails, from 89 with tax.</p>", "v1.1.0"),
    ("Make the page faster", "<h1>Anchor &amp; Rope</h1><p>Sails from 89. Now twice as fast.</p>", "v1.2.0"),
    ("Rewrite the cart", "<h1>Anchor &amp; Rope</h1><p>A new cart.</p>", BROKEN),
    ("Write about the season", "<h1>Anchor &amp; Rope</h1><p>A new cart. The season begins.</p>", ""),
];

/// What the page of a version says; nothing else says it.
pub fn page_of(version: &str) -> &'static str {
    HISTORY.iter().find(|(_, _, tag)| *tag == version).map(|(_, page, _)| *page).unwrap_or_default()
}

/// A repository in a throw-away folder.
#[derive(Debug)]
pub struct Shop(PathBuf);

impl Shop {
    /// Makes the repository at `path`. Its scripts rest for `pause` seconds here and there, so that people see them
    /// run.
    ///
    /// # Errors
    /// git is missing, or the folder cannot be written.
    pub fn create(path: &Path, pause: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path.join("hooks"))
            .with_context(|| format!("cannot make {}", path.display()))?;
        let shop = Self(path.to_owned());
        shop.git(&["init", "-q", "-b", "main"])?;
        for (number, (message, page, tag)) in HISTORY.iter().enumerate() {
            shop.write(page, tag.contains("broken"), pause)?;
            shop.git(&["add", "-A"])?;
            let date = format!("2026-11-0{}T10:00:00Z", number + 1);
            shop.dated(&["commit", "-q", "-m", message], &date)?;
            if !tag.is_empty() {
                shop.git(&["tag", tag])?;
            }
        }
        shop.git(&["branch", "spring-sale", "v1.2.0"])?;
        Ok(shop)
    }

    /// Its address for git.
    pub fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    fn write(&self, page: &str, broken: bool, pause: &str) -> anyhow::Result<()> {
        let health = if broken {
            "echo 'GET /cart: 500 Internal Server Error' >&2; exit 1"
        } else {
            "test -s public/index.html && echo 'GET /: 200 OK'"
        };
        let build = format!(
            "echo 'installing packages'\nsleep {pause}\n\
             for part in page styles pictures search; do\n  \
             printf '\\033[32m✓\\033[0m built %s\\n' \"$part\"\n  sleep {pause}\ndone\n\
             mkdir -p public && cp page.html public/index.html\n\
             printf '\\033[1m%s\\033[0m files in public/\\n' \"$(ls public | wc -l)\"\n"
        );
        let warm_up = format!(
            "for page in / /sails /anchors; do\n  printf '\\033[36mwarm\\033[0m %s\\n' \"$page\"\n  sleep {pause}\ndone\n"
        );
        let restart =
            format!("echo \"reloading the workers of $AWEIGH_SERVER\"\nsleep {pause}\necho 'ready'\n");
        for (name, text) in [
            ("page.html", format!("<!doctype html><title>Anchor &amp; Rope</title>{page}\n")),
            ("build.sh", build),
            ("hooks/warm-up.sh", warm_up),
            ("hooks/restart.sh", restart),
            ("hooks/health.sh", format!("{health}\n")),
            ("README.md", "# Anchor & Rope\n\nThe sample shop of `aweigh demo`.\n".to_owned()),
        ] {
            let file = self.0.join(name);
            std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    fn git(&self, words: &[&str]) -> anyhow::Result<()> {
        self.dated(words, "2026-11-01T10:00:00Z")
    }

    fn dated(&self, words: &[&str], date: &str) -> anyhow::Result<()> {
        let mut git = Command::new("git");
        // Whoever starts this may be inside a repository of their own, and nothing of it is meant.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            git.env_remove(name);
        }
        let done = git
            .args(["-c", "user.name=Mia", "-c", "user.email=mia@example.com", "-c", "commit.gpgsign=false"])
            .args(["-c", "core.hooksPath=/dev/null", "-c", "tag.gpgSign=false"])
            .args(words)
            .current_dir(&self.0)
            .env("GIT_AUTHOR_DATE", date)
            .env("GIT_COMMITTER_DATE", date)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Advised::new(format!("cannot run git: {error}"), "install git"))?;
        anyhow::ensure!(done.status.success(), "git: {}", String::from_utf8_lossy(&done.stderr).trim());
        Ok(())
    }
}
