//! The whole of a commit: its own tree, those of its submodules, and the files that Git LFS keeps.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::{
    Access, CommitId, Error, ExportStats, GitRepository, Url,
    submodule::{Submodule, shown},
    unpack::Destination,
};

/// How many submodules may be inside of each other. A commit cannot hold itself, but two repositories can hold older
/// commits of each other for as long as they like.
const DEEPEST: usize = 8;

/// How many submodules there may be altogether, each as often as it is there.
const MOST: usize = 500;

/// What is exported besides the files that a commit itself has, and how it is reached.
#[derive(Debug)]
pub struct Besides<'b> {
    /// Whether submodules are brought along, and theirs.
    pub submodules: bool,
    /// Whether the objects are brought that pointers of Git LFS stand for.
    pub lfs: bool,
    /// How to be let in to the repository. Submodules are asked for with it only where they have the same scheme, host
    /// and port, and are named by the repository itself or by another one of which this is true.
    pub access: &'b Access,
    /// Whose access that is. A mirror that it has opened is used for nobody else.
    pub owner: &'b str,
    /// The folder with the mirrors of submodules.
    pub mirrors: &'b Path,
}

/// A tree that belongs to the whole.
struct Part {
    /// Its mirror; nothing for the repository itself.
    mirror: Option<GitRepository>,
    commit: CommitId,
    /// Its folder in the whole, and nothing for the repository itself.
    path: Vec<u8>,
    depth: usize,
    /// Whether it is asked for with the access to the repository.
    is_let_in: bool,
}

impl GitRepository {
    /// Writes the tree of a commit into a new or empty folder, as [`export`](Self::export) does, and what is asked for
    /// besides. The limits of the policy are those of the whole. `said` is told what is fetched.
    ///
    /// When it fails, the folder is emptied again. When the future is dropped, a part of the tree may stay.
    ///
    /// # Errors
    /// Those of [`export`](Self::export) and [`fetch`](Self::fetch). [`Error::Submodule`] says in which submodule.
    pub async fn export_whole(
        &self,
        commit: &CommitId,
        into: &Path,
        besides: &Besides<'_>,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExportStats, Error> {
        let destination = Destination::new(into, &self.policy)?;
        let exported = self.export_parts(commit, into, besides, said).await;
        if exported.is_err() {
            destination.clear();
        }
        exported
    }

    async fn export_parts(
        &self,
        commit: &CommitId,
        into: &Path,
        besides: &Besides<'_>,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExportStats, Error> {
        let (mut whole, mut parts) = (ExportStats::default(), 0);
        let root = Part { mirror: None, commit: commit.clone(), path: Vec::new(), depth: 0, is_let_in: true };
        let mut open = vec![root];
        while let Some(part) = open.pop() {
            let named = |error| part.name(error);
            let mirror = part.mirror.as_ref().unwrap_or(self);
            let tree = into.join(OsStr::from_bytes(&part.path));
            let exported = mirror.export_after(&part.commit, &tree, whole).await.map_err(named)?;
            whole = exported.stats;
            if besides.lfs {
                let (access, pointers) = (part.access(besides), exported.pointers);
                let brought = mirror.bring_objects(&part.commit, &tree, pointers, access, whole, said);
                whole = brought.await.map_err(named)?;
            }
            if !besides.submodules {
                continue;
            }
            for module in mirror.submodules(&part.commit, &tree).await.map_err(named)? {
                parts += 1;
                let too_many = match (parts, part.depth) {
                    (_, DEEPEST) => Some("more than 8 submodules are inside of each other"),
                    (parts, _) if parts > MOST => Some("the commit has more than 500 submodules"),
                    _ => None,
                };
                if let Some(reason) = too_many {
                    return Err(named(Error::SubmoduleRefused { path: shown(&module.path), reason }));
                }
                let next = part.below(&module, &self.url);
                said(&format!("submodule {}: commit {} of {}", shown(&next.path), module.commit, module.url));
                let mirror = self.mirror_of(&next, module.url, besides, said).await;
                let mirror = mirror.map_err(|error| next.name(error))?;
                open.push(Part { mirror: Some(mirror), ..next });
            }
        }
        Ok(whole)
    }

    /// The mirror of a submodule, with its commit.
    async fn mirror_of(
        &self,
        part: &Part,
        url: Url,
        besides: &Besides<'_>,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self, Error> {
        let (url, owner) =
            if part.is_let_in { (url.with_login_of(&self.url), besides.owner) } else { (url, "") };
        let folder = besides.mirrors.join(mirror_name(&url, owner));
        let mirror = Self::open(&folder, &url, self.policy.clone()).await?.sharing(&self.answers);
        mirror.fetch_commit(&part.commit, part.access(besides), said).await?;
        Ok(mirror)
    }
}

impl Part {
    /// The part that a submodule of this one is; `root` is the address of the whole.
    fn below(&self, module: &Submodule, root: &Url) -> Self {
        let slash: &[u8] = if self.path.is_empty() { b"" } else { b"/" };
        Self {
            mirror: None,
            commit: module.commit.clone(),
            path: [self.path.as_slice(), slash, module.path.as_slice()].concat(),
            depth: self.depth + 1,
            // A stranger may name an address of ours, but not have it opened.
            is_let_in: self.is_let_in && module.url.is_beside(root),
        }
    }

    fn access<'b>(&self, besides: &Besides<'b>) -> &'b Access {
        if self.is_let_in { besides.access } else { &Access::None }
    }

    /// Says which submodule it was.
    fn name(&self, error: Error) -> Error {
        if self.path.is_empty() {
            return error;
        }
        Error::Submodule { path: shown(&self.path), source: Box::new(error) }
    }
}

/// The name of a mirror's folder. Whatever an address has in it, this has only digits in it. An address with another login
/// in it is another mirror: what one has opened is not for the other.
fn mirror_name(url: &Url, owner: &str) -> String {
    let mut name = Sha256::new_with_prefix(format!("{owner}\0{url}"));
    if let Some(login) = url.login() {
        name.update("\0");
        name.update(login.username.expose_secret());
        if let Some(password) = &login.password {
            name.update("\0");
            name.update(password.expose_secret());
        }
    }
    hex::encode(name.finalize())
}
