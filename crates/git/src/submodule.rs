//! Submodules: which commits of other repositories belong into the tree of a commit. `git submodule` is never run, and
//! of a `.gitmodules` only paths and addresses are looked at.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    CommitId, Error, GitRepository, Url,
    fields::Fields,
    plain::plain,
    settings::{Settings, value},
};

/// What git calls the file that tells the addresses of submodules.
const MODULES: &str = ".gitmodules";

/// How `git ls-tree` begins what it says of a submodule.
const GITLINK: &[u8] = b"160000 commit ";

/// A commit of another repository that belongs into a folder of a tree.
#[derive(Debug)]
pub(crate) struct Submodule {
    pub(crate) path: Vec<u8>,
    pub(crate) commit: CommitId,
    pub(crate) url: Url,
}

impl GitRepository {
    /// Lists the submodules of a commit that was exported to `tree`. What its attributes leave out of a tree has no
    /// folder there, and is left out here too.
    ///
    /// # Errors
    /// [`Error::SubmoduleRefused`] and [`Error::Submodule`] name the one that `.gitmodules` tells no good address of.
    pub(crate) async fn submodules(&self, commit: &CommitId, tree: &Path) -> Result<Vec<Submodule>, Error> {
        let mut links = Fields::only(|field| field.starts_with(GITLINK));
        let args = ["-r", "-z", "--full-tree", commit.as_str()];
        if let Err(error) = self.read("ls-tree", &args, None, |bytes| links.feed(bytes)).await {
            return Err(self.blame(commit, error).await);
        }
        let links = links.end();
        let links: Vec<(&str, &[u8])> = links.split(|byte| *byte == 0).filter_map(link).collect();
        let links: Vec<_> = links.into_iter().filter(|(_, path)| is_folder(tree, path)).collect();
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let settings = self.settings_in(commit, MODULES).await?;
        links.into_iter().map(|(commit, path)| self.submodule(&settings, commit, path)).collect()
    }

    fn submodule(&self, settings: &Settings, commit: &str, path: &[u8]) -> Result<Submodule, Error> {
        let shown = shown(path);
        let address = address(settings, path)
            .map_err(|reason| Error::SubmoduleRefused { path: shown.clone(), reason })?;
        let named = |error| Error::Submodule { path: shown, source: Box::new(error) };
        let url = self.url.of_submodule(address, &self.policy).map_err(named)?;
        Ok(Submodule { path: path.to_vec(), commit: CommitId::parse(commit)?, url })
    }
}

/// A path as people may see it.
pub(crate) fn shown(path: &[u8]) -> String {
    plain(&String::from_utf8_lossy(path), 200)
}

/// Commit and path of a line of `git ls-tree`.
fn link(line: &[u8]) -> Option<(&str, &[u8])> {
    let rest = line.strip_prefix(GITLINK)?;
    let at = rest.iter().position(|byte| *byte == b'\t')?;
    let (commit, path) = rest.split_at_checked(at)?;
    Some((str::from_utf8(commit).ok()?, path.get(1..)?))
}

/// Tells whether a path is a folder of the tree that is reached through no link.
fn is_folder(tree: &Path, path: &[u8]) -> bool {
    let mut place = tree.to_owned();
    path.split(|byte| *byte == b'/').all(|part| {
        place.push(OsStr::from_bytes(part));
        let is_plain = !matches!(part, b"" | b"." | b"..");
        is_plain && fs::symlink_metadata(&place).is_ok_and(|found| found.is_dir())
    })
}

/// The address that the settings tell for the submodule at a path.
fn address<'s>(settings: &'s Settings, path: &[u8]) -> Result<&'s str, &'static str> {
    let named = settings.iter().rev().find_map(|(key, value)| {
        let name = key.strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
        (value == path).then_some(name)
    });
    let name = named.ok_or("the commit's .gitmodules has no entry with its path")?;
    // The name is used for nothing, but git itself refuses these: whoever writes one is up to something.
    if name.is_empty() || name.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..") {
        return Err("its name in .gitmodules is empty or has '..' in it");
    }
    let key = [b"submodule.", name, b".url"].concat();
    let url = value(settings, &key).ok_or("its entry in .gitmodules has no url")?;
    str::from_utf8(url).map_err(|_| "its url in .gitmodules is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &[(&str, &str)], path: &str, expected: Result<&str, &str>) {
        let settings = settings.iter().map(|(key, value)| (key.as_bytes().into(), value.as_bytes().into()));
        assert_eq!(address(&settings.collect(), path.as_bytes()), expected, "{path}");
    }

    #[test]
    fn an_address_is_found_by_the_path_alone() {
        let said = [
            ("submodule.lib.path", "vendor/lib"),
            ("submodule.lib.url", "../lib.git"),
            ("submodule.a.b\nc.path", "odd"),
            ("submodule.a.b\nc.url", "../odd.git"),
            ("submodule.lib.update", "!touch PWN"),
            ("submodule.bare.path", "bare"),
            ("other.lib.path", "other"),
        ];
        check(&said, "vendor/lib", Ok("../lib.git"));
        check(&said, "odd", Ok("../odd.git"));
        check(&said, "lib", Err("the commit's .gitmodules has no entry with its path"));
        check(&said, "other", Err("the commit's .gitmodules has no entry with its path"));
        check(&said, "bare", Err("its entry in .gitmodules has no url"));
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        for name in ["..", "../../modules", "a/../../b", "a\\..\\b", ""] {
            let (path, url) = (format!("submodule.{name}.path"), format!("submodule.{name}.url"));
            let refused = Err("its name in .gitmodules is empty or has '..' in it");
            check(&[(&path, "m"), (&url, "../m.git")], "m", refused);
        }
    }
}
