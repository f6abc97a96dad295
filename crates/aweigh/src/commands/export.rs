//! `export`: everything as a fleet file, which `apply` takes back without changing anything.

use api::Fleet;

use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::print;

const HEAD: &str = "# Made by `aweigh export`. Secrets are never exported: a credential that names none here keeps the stored one.\n\n";

pub(super) async fn run(client: &Client) -> anyhow::Result<Ending> {
    let fleet: Fleet = client.get(&Ask::at(&["export"])).await?;
    print(&format!("{HEAD}{}", toml::to_string(&fleet)?))?;
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_text::TomlText;

    #[test]
    fn what_is_exported_can_be_read_again() {
        let text = r#"
            [credentials.deploy]
            kind = "ssh-key"

            [servers.web-1]
            host = "10.0.0.11"
            user = "deploy"
            credential = "deploy"
            labels = { role = ["db", "web"] }

            [projects.shop]
            repository = "https://git.example.com/shop.git"
            build = { run = ["npm ci", "npm run build"] }

            [projects.shop.environments.production]
            servers = "role=web"
            path = "/srv/shop"
            hooks = { after_upload = ["true", { name = "migrate", run = "make migrate", once = true }] }
        "#;
        let fleet: Fleet = TomlText::parse(text).unwrap().read().unwrap();
        let exported = format!("{HEAD}{}", toml::to_string(&fleet).unwrap());
        assert_eq!(TomlText::parse(&exported).unwrap().read::<Fleet>().unwrap(), fleet, "{exported}");
    }
}
