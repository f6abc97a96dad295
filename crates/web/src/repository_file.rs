//! `aweigh.toml` of a commit: from its text to what it says.

use actions::{RepositorySays, Wrong};
use api::{FieldError, RepositoryFile};
use model::Name;

/// Reads the file for `environment`. This is the [`actions::RepositoryFileReader`].
pub fn read(text: &str, environment: &Name) -> Result<RepositorySays, Vec<Wrong>> {
    let told = |errors: Vec<FieldError>| {
        errors.into_iter().map(|error| Wrong::new(error.field, error.message)).collect::<Vec<_>>()
    };
    let value: serde_json::Value = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        vec![Wrong::new("", format!("{place}{}", error.message()))]
    })?;
    let file: RepositoryFile = api::read(value).map_err(told)?;
    let said = file.check(environment).map_err(told)?;
    Ok(RepositorySays { build: said.build, settings: said.settings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_or_told_what_is_wrong() {
        let live: Name = "live".parse().unwrap();
        let said = read("[build]\nrun = \"make\"\n[environments.live]\nkeep = 3\n", &live).unwrap();
        assert_eq!((said.build.run, said.settings.keep), (vec!["make".to_owned()], Some(3)));
        assert_eq!(read("", &live).unwrap(), RepositorySays::default());
        let syntax = read("[build]\nrun = \n", &live).unwrap_err();
        assert!(syntax[0].message.starts_with("line 2: "), "{syntax:?}");
        let keys = read("[biuld]\n[environments.live]\npath = \"/x\"\n", &live).unwrap_err();
        assert_eq!(keys.len(), 2, "{keys:?}");
    }
}
