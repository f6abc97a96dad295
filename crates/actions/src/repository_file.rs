//! `aweigh.toml`: what the commit says lies under what is stored.

use model::{Build, CommitId, Environment, Project, Selector, Site};

use crate::{Actions, Error, RepositorySays, Wrong};

/// The file at the root of a repository.
const FILE: &str = "aweigh.toml";

impl Actions {
    /// What the file of `commit` says for `site`, or nothing where there is no file. Its hooks have the commands of the
    /// templates that they pick, and the groups that it names are there.
    pub(crate) async fn says(
        &self,
        project: &Project,
        commit: &CommitId,
        site: &Site,
    ) -> Result<Result<RepositorySays, Vec<Wrong>>, Error> {
        let Some(text) = self.parts.source.read(project, commit, FILE).await? else {
            return Ok(Ok(RepositorySays::default()));
        };
        let mut says = match (self.parts.repository_file)(&text, &site.name) {
            Ok(says) => says,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let mut wrong = self.fill(&mut says.settings.hooks).await?;
        let groups = self.store().groups().await?;
        let named = says.settings.selectors().flat_map(Selector::groups);
        let unknown = named.filter(|name| !groups.contains_key(*name));
        wrong.extend(unknown.map(|name| Wrong::new("", format!("names @{name}, which is not a group"))));
        Ok(if wrong.is_empty() { Ok(says) } else { Err(wrong) })
    }
}

/// The errors of the file, as errors of the request that names the commit.
pub(crate) fn wrong(commit: &CommitId, errors: Vec<Wrong>) -> Error {
    let told = |error: Wrong| {
        let field = if error.field.is_empty() { String::new() } else { format!("{} ", error.field) };
        Wrong::new("ref", format!("is {}, whose {FILE} is wrong: {field}{}", commit.short(), error.message))
    };
    Error::Invalid(errors.into_iter().map(told).collect())
}

/// The project and the effective environment with what the commit says under all that is stored.
pub(crate) fn under(mut project: Project, site: &Site, says: &RepositorySays) -> (Project, Environment) {
    project.defaults = project.defaults.over(&says.settings);
    project.build = build_over(project.build, &says.build);
    let environment = site.effective(&project);
    (project, environment)
}

/// What is stored where it says anything, else what the commit says.
fn build_over(stored: Build, said: &Build) -> Build {
    let silent = Build::default();
    Build {
        run: if stored.run == silent.run { said.run.clone() } else { stored.run },
        cache: if stored.cache == silent.cache { said.cache.clone() } else { stored.cache },
        output: if stored.output == silent.output { said.output.clone() } else { stored.output },
        exclude: if stored.exclude == silent.exclude { said.exclude.clone() } else { stored.exclude },
        timeout: if stored.timeout == silent.timeout { said.timeout } else { stored.timeout },
        memory: stored.memory.or(said.memory),
        processes: stored.processes.or(said.processes),
        submodules: stored.submodules || said.submodules,
        lfs: stored.lfs || said.lfs,
    }
}

#[cfg(test)]
mod tests {
    use model::Settings;

    use super::*;

    #[test]
    fn what_is_stored_lies_over_what_the_commit_says() {
        let settings = |keep| Settings { keep, ..Settings::default() };
        let project = |keep, run: &[&str]| Project {
            name: "shop".parse().unwrap(),
            repository: "https://h/x".into(),
            credential: None,
            build: Build { run: run.iter().map(|text| (*text).to_owned()).collect(), ..Build::default() },
            defaults: settings(keep),
            variables: model::Variables::new(),
        };
        let site = |keep| Site {
            name: "live".parse().unwrap(),
            servers: "all".parse().unwrap(),
            path: "/srv/shop".parse().unwrap(),
            settings: settings(keep),
            variables: model::Variables::new(),
        };
        let build =
            Build { run: vec!["theirs".into()], output: "dist".into(), submodules: true, ..Build::default() };
        let says = RepositorySays { build, settings: settings(Some(7)) };
        let keep = |project, site: Site| under(project, &site, &says).1.keep;
        assert_eq!(keep(project(None, &[]), site(None)), 7);
        assert_eq!(keep(project(Some(8), &[]), site(None)), 8);
        assert_eq!(keep(project(Some(8), &[]), site(Some(9))), 9);
        let (built, environment) = under(project(None, &["ours"]), &site(None), &says);
        assert_eq!((built.build.run, environment.build.output.as_str()), (vec!["ours".to_owned()], "dist"));
        assert!(environment.build.submodules && !environment.build.lfs);
    }
}
