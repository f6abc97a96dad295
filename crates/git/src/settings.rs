//! Files of a commit in the format of git's configuration, such as `.gitmodules`. git itself reads them, and nothing in
//! them is applied.

use crate::{CommitId, Error, GitRepository, fields::Fields};

/// The longest such file, in bytes.
const LONGEST: u64 = 1 << 20;

/// Keys and values, in the order of the file. git writes the section and the last word of a key in lower case.
pub(crate) type Settings = Vec<(Vec<u8>, Vec<u8>)>;

impl GitRepository {
    /// What a file of a commit says; nothing when there is no such file. A key without a value is left out.
    ///
    /// # Errors
    /// [`Error::Failed`] when it cannot be read as configuration or is longer than 1 MiB.
    pub(crate) async fn settings_in(&self, commit: &CommitId, file: &str) -> Result<Settings, Error> {
        let object = format!("{commit}:{file}");
        let check = ["--batch-check=%(objecttype) %(objectsize)"];
        let found = self.answer("cat-file", &check, Some(&format!("{object}\n"))).await?;
        let Some(size) = found.trim_end().strip_prefix("blob ") else { return Ok(Vec::new()) };
        if !size.parse::<u64>().is_ok_and(|size| size <= LONGEST) {
            return Err(Error::Failed {
                verb: "config",
                said: format!("{file} is longer than {LONGEST} bytes"),
            });
        }
        // Without `--no-includes` git would read any file of this machine that is named under `[include]`.
        let blob = format!("--blob={object}");
        let args = [blob.as_str(), "--no-includes", "--null", "--list"];
        let mut said = Fields::default();
        self.read("config", &args, None, |bytes| said.feed(bytes)).await?;
        Ok(settings(&said.end()))
    }
}

/// The last value of a key.
pub(crate) fn value<'s>(settings: &'s Settings, key: &[u8]) -> Option<&'s [u8]> {
    settings.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_slice())
}

fn settings(said: &[u8]) -> Settings {
    let pair = |field: &[u8]| {
        let at = field.iter().position(|byte| *byte == b'\n')?;
        let (key, value) = field.split_at_checked(at)?;
        Some((key.to_vec(), value.get(1..)?.to_vec()))
    };
    said.split(|byte| *byte == 0).filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_told_apart() {
        let said = settings(b"a.b\nx\0a.bare\0a.c\ny\nz\0a.b\n\0");
        assert_eq!(value(&said, b"a.c"), Some(&b"y\nz"[..]));
        assert_eq!(value(&said, b"a.b"), Some(&b""[..]));
        assert_eq!(value(&said, b"a.bare"), None);
    }
}
