//! The smaller parts: archives, keys, and a machine on which all is well.

use std::path::Path;

use actions::{Doctor, Examined, Health, KeyTrouble, Keys, MachineFinding, PublicHalf};
use engine::ports::{Parcel, ParcelError, Parcels};
use engine::sandbox::{Sandbox, Walls};
use model::{ExposeSecret, SecretString};

/// Takes no archive.
pub(super) struct Nothing;

fn unfit() -> ParcelError {
    ParcelError { message: "it is no archive".to_owned(), is_unfit: true }
}

impl Parcels for Nothing {
    fn unpack_one(&self, _: &mut dyn std::io::Read, _: &Path) -> Result<Option<Parcel>, ParcelError> {
        Err(unfit())
    }

    fn pack(&self, _: &Path, _: &mut dyn std::io::Write) -> Result<(), ParcelError> {
        Err(unfit())
    }
}

/// A machine on which all is well.
pub(super) struct Well;

impl Doctor for Well {
    fn examine(&self) -> Examined {
        let sandbox = Sandbox {
            level: 2,
            least: 0,
            words: "sandbox level 2".into(),
            missing: vec!["no cgroup".into()],
            program: "/aweigh".into(),
            walls: Walls::default(),
        };
        let finding = MachineFinding { what: "git", health: Health::Ok, detail: "2.47".into(), hint: None };
        Examined { sandbox, findings: vec![finding] }
    }
}

/// Keys whose text says what is wrong with them.
pub(super) struct Texts;

impl Keys for Texts {
    fn generate(&self, comment: &str) -> Result<(SecretString, PublicHalf), KeyTrouble> {
        let half =
            PublicHalf { fingerprint: "SHA256:new".into(), line: format!("ssh-ed25519 AAAA {comment}") };
        Ok(("-----BEGIN a new key".into(), half))
    }

    fn public_half(
        &self,
        key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<PublicHalf, KeyTrouble> {
        match (key.expose_secret(), passphrase.map(ExposeSecret::expose_secret)) {
            (text, _) if text.contains("BROKEN") => Err(KeyTrouble::Unreadable("it is cut off".into())),
            (text, None) if text.contains("ENCRYPTED") => Err(KeyTrouble::NeedsPassphrase),
            (text, Some(wrong)) if text.contains("ENCRYPTED") && wrong != "right" => {
                Err(KeyTrouble::WrongPassphrase)
            }
            (text, _) => {
                let line = format!("ssh-ed25519 {}", text.len());
                Ok(PublicHalf { fingerprint: format!("SHA256:{}", text.len()), line })
            }
        }
    }
}
