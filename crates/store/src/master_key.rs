//! The master key: the one secret outside the database, which opens all secrets inside it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64ct::{Base64, Encoding};
use model::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{DATABASE, Error};

const FILE: &str = "master.key";
/// The key that takes the place of the other; it gets its name when nothing is sealed with the other any more.
const NEXT: &str = "master.key.next";
const BYTES: usize = 32;

/// 256 random bits. Never printed, zeroed when dropped.
pub struct MasterKey {
    bytes: Zeroizing<[u8; BYTES]>,
    /// It lies in the data folder, where another one can be put beside it.
    is_file: bool,
}

impl MasterKey {
    /// The key from the environment where one is given, else from `dir/master.key`.
    ///
    /// The file is created (mode 0600) only while there is no database yet. Refused are a file that others may
    /// read, a text that is no key, and a missing file beside an existing database.
    pub fn load(dir: &Path, from_env: Option<SecretString>) -> Result<Self, Error> {
        if let Some(text) = from_env {
            return Self::parse(text.expose_secret(), "AWEIGH_MASTER_KEY");
        }
        let path = dir.join(FILE);
        match Self::read(&path)? {
            Some(key) => Ok(key),
            None if dir.join(DATABASE).exists() => Err(Error::MissingMasterKey { path }),
            None => Self::create(dir, FILE),
        }
    }

    /// The key that is about to take the place of the one in `dir`, where there is one.
    pub(crate) fn next(dir: &Path) -> Result<Option<Self>, Error> {
        Self::read(&dir.join(NEXT))
    }

    /// Makes a key that is about to take the place of the one in `dir`. It is on the disk when this returns.
    pub(crate) fn create_next(dir: &Path) -> Result<Self, Error> {
        Self::create(dir, NEXT)
    }

    /// The key that was about to take its place takes it: the other one is gone.
    pub(crate) fn promote_next(dir: &Path) -> Result<(), Error> {
        let (next, path) = (dir.join(NEXT), dir.join(FILE));
        let rename = || fs::rename(&next, &path).and_then(|()| File::open(dir)?.sync_all());
        rename().map_err(Error::file("replace", &path))
    }

    /// Forgets a key that never took its place.
    pub(crate) fn forget_next(dir: &Path) -> Result<(), Error> {
        let path = dir.join(NEXT);
        fs::remove_file(&path).map_err(Error::file("remove", &path))
    }

    /// Whether it lies in the data folder, and not in the environment.
    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    fn read(path: &Path) -> Result<Option<Self>, Error> {
        let path = path.to_owned();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("open", &path)(error)),
        };
        let mode = file.metadata().map_err(Error::file("read", &path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::OpenMasterKey { path, mode });
        }
        // Room for the longest key and a line's end: the buffer never grows, so no copy of it is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 * BYTES));
        let longest = 3 * BYTES as u64;
        file.take(longest).read_to_end(&mut bytes).map_err(Error::file("read", &path))?;
        let origin = path.display().to_string();
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        Ok(Some(Self { is_file: true, ..Self::parse(text, &origin)? }))
    }

    fn create(dir: &Path, name: &str) -> Result<Self, Error> {
        let path = &dir.join(name);
        let mut key = Zeroizing::new([0; BYTES]);
        rand::fill(&mut key[..]);
        let text = Zeroizing::new(format!("{}\n", hex::encode(&key[..])));
        // Complete before it has its name: a crash leaves either no key or a whole one.
        let unfinished = dir.join("master.key.new");
        let write = || -> std::io::Result<()> {
            fs::remove_file(&unfinished).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, path)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(Error::file("create", path))?;
        Ok(Self { bytes: key, is_file: true })
    }

    /// Reads 64 hexadecimal digits, or base64 of 32 bytes; `origin` names the place in an error.
    fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let text = text.trim();
        let mut key = Zeroizing::new([0; BYTES]);
        let good = if text.len() == 2 * BYTES {
            hex::decode_to_slice(text, &mut key[..]).is_ok()
        } else {
            Base64::decode(text, &mut key[..]).is_ok_and(|bytes| bytes.len() == BYTES)
        };
        if good {
            Ok(Self { bytes: key, is_file: false })
        } else {
            Err(Error::MalformedMasterKey { origin: origin.to_owned() })
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hex_and_from_base64() {
        let hex = "00".repeat(31) + "ff";
        let base64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=";
        let parse = |text: &str| MasterKey::parse(text, "here").map(|key| *key.bytes());
        assert_eq!(parse(&hex).unwrap(), parse(&format!("{base64}\n")).unwrap());
        for bad in ["", "x", &"0".repeat(63), &"g".repeat(64), "AAAA", &format!("{hex}00")] {
            let error = parse(bad).unwrap_err();
            assert!(matches!(&error, Error::MalformedMasterKey { origin } if origin == "here"), "{bad:?}");
        }
    }

    #[test]
    fn a_key_never_prints() {
        let key = MasterKey::parse(&"ab".repeat(32), "here").unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(hidden)");
        testkit::has_none!(MasterKey: fmt::Display, serde::Serialize);
    }
}
