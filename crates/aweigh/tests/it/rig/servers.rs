//! The servers of the rig: what Aweigh is told of them, and what is on them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use testkit::repo::{Listed, Listing, tree_listing};
use testkit::sshd::Server;

use super::Rig;

impl Rig {
    /// Writes `text` as fleet.toml, behind the fleet's servers and credential.
    pub(crate) fn fleet_file(&self, text: &str) -> PathBuf {
        let mut all = "[credentials.deploy]\nkind = \"ssh-key\"\nfile = \"id\"\n".to_owned();
        for (number, server) in self.fleet.servers.iter().enumerate() {
            write!(
                all,
                "[servers.web-{}]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\ncredential = \"deploy\"\nhost_key = \"{}\"\n\
                 labels = {{ env = \"production\", role = [\"web\"{}] }}\n",
                number + 1,
                server.port,
                server.user,
                server.host_key.trim(),
                if number == 0 { ", \"db\"" } else { "" },
            )
            .unwrap();
        }
        all.push_str(text);
        let path = self.folder.path().join("fleet.toml");
        std::fs::write(&path, all).unwrap();
        path
    }

    /// Applies the project `shop` with one environment, `more` being more keys of the environment or tables of
    /// the project.
    pub(crate) fn apply(&self, more: &str) {
        let path = self.fleet_file(&self.shop(more));
        self.ok(["apply", "-f", path.to_str().unwrap()]);
    }

    /// The tables of the project `shop`.
    pub(crate) fn shop(&self, more: &str) -> String {
        format!(
            "[projects.shop]\nrepository = \"{}\"\n[projects.shop.environments.production]\nservers = \"env=production\"\npath = \"~/shop\"\n{more}\n",
            self.repo.url()
        )
    }

    /// A server of the fleet, from 1 as in its name.
    pub(crate) fn server(&self, number: usize) -> &Server {
        &self.fleet.servers[number - 1]
    }

    /// The folder of the environment on a server.
    pub(crate) fn root(&self, number: usize) -> PathBuf {
        self.server(number).home.join("shop")
    }

    /// The text of `current` on a server.
    pub(crate) fn current(&self, number: usize) -> Option<String> {
        std::fs::read_link(self.root(number).join("current"))
            .ok()
            .map(|link| link.to_str().unwrap().to_owned())
    }

    /// The commit that a server runs, by its `REVISION`.
    pub(crate) fn revision(&self, number: usize) -> Option<String> {
        std::fs::read_to_string(self.root(number).join("current/REVISION"))
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// Every server runs exactly `commit`: the tree is that of `git archive`, plus `REVISION` and `REVISION_TIME`.
    pub(crate) fn assert_runs(&self, commit: &str) {
        let expected = self.repo.archive_listing(commit);
        for number in 1..=self.fleet.servers.len() {
            let mut found: Listing =
                tree_listing(&std::fs::canonicalize(self.root(number).join("current")).unwrap());
            for name in ["REVISION", "REVISION_TIME"] {
                let file = found.remove(Path::new(name));
                assert!(
                    matches!(file, Some(Listed::File { executable: false, .. })),
                    "web-{number} has no {name}"
                );
            }
            assert_eq!(self.revision(number).as_deref(), Some(commit), "web-{number}");
            assert_eq!(found, expected, "web-{number}");
        }
    }

    /// A file in `shared/` of every server, the folder made by hand as an operator does.
    pub(crate) fn share(&self, name: &str, text: impl Fn(usize) -> String) {
        for number in 1..=self.fleet.servers.len() {
            let path = self.root(number).join("shared").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text(number)).unwrap();
        }
    }
}
