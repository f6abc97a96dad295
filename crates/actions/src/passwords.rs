//! Passwords: hashed with Argon2id (RFC 9106, with the parameters that OWASP recommends: 19 MiB, 2 passes), a few
//! at a time, so that a flood of sign-ins takes neither all memory nor all cores.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use model::{ExposeSecret, Name, SecretString};
use tokio::sync::Semaphore;

use crate::{Error, Wrong};

/// How many are hashed at the same time, 19 MiB each.
const AT_ONCE: usize = 2;

/// How many are hashed or wait for their turn; whoever comes then is sent away, so that a flood makes nobody wait long.
const QUEUE: usize = 64;

/// The shortest password, in characters (NIST SP 800-63B asks for 8 at least).
pub const SHORTEST: usize = 10;

/// The longest, in bytes.
pub const LONGEST: usize = 1024;

/// A hash that no password has, of the same cost: for accounts that are not there.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YXdlaWdoLW5vYm9keQ$q0Zl6k3o0vHnLRWmRr0x8cPpMGkJxT1Zb2cN5v8dA4I";

/// Hashes and compares passwords.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Semaphore,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), queue: Semaphore::new(QUEUE) }
    }

    /// The hash of `password` with a new random salt, in PHC form.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.work(move || {
            let hashed = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(|error| broken(&error))
        })
        .await
    }

    /// Whether `password` has this hash. Without a hash the answer is no, and takes as long.
    pub(crate) async fn fits(&self, password: SecretString, hash: Option<String>) -> Result<bool, Error> {
        let known = hash.is_some();
        let fits = self
            .work(move || {
                let text = hash.as_deref().unwrap_or(NOBODY);
                let hash = PasswordHash::new(text).map_err(|error| broken(&error))?;
                Ok(Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(known && fits)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self.queue.try_acquire().map_err(|_| Error::Crowded)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| broken(&error))?;
        // Whoever goes away does not end the work, which keeps its turn until it is done.
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| broken(&error))?
    }
}

/// Judges a new password, of `user` where that is known.
pub(crate) fn sound(field: &str, password: &SecretString, user: Option<&Name>) -> Result<(), Error> {
    let text = password.expose_secret();
    let message = if text.chars().count() < SHORTEST {
        format!("is too short: use {SHORTEST} characters or more, such as four words")
    } else if text.len() > LONGEST {
        format!("is longer than {LONGEST} bytes")
    } else if user.is_some_and(|user| text.to_lowercase().starts_with(user.as_str()))
        && text.len() < 2 * SHORTEST
    {
        "begins with the user's name".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid(vec![Wrong::new(field, message)]))
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::Local { message: format!("a password could not be hashed: {error}"), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".to_owned().into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let fits = async |text: &str, hash| passwords.fits(text.to_owned().into(), hash).await.unwrap();
        assert!(fits("correct horse", Some(hash.clone())).await);
        assert!(!fits("correct horsf", Some(hash)).await);
        assert!(!fits("anything", None).await);
    }

    #[tokio::test]
    async fn a_flood_of_callers_who_go_away_takes_no_more_turns() {
        let passwords = Passwords::new();
        let (begin, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        for _ in 0..AT_ONCE {
            let wait = Arc::clone(&wait);
            let held = passwords.work(move || {
                wait.lock().unwrap().recv().ok();
                Ok(())
            });
            // Polled once, so that the work begins; then its caller is gone.
            assert!(asked_once(held).await.is_none());
        }
        assert_eq!(passwords.turns.available_permits(), 0, "the work goes on and keeps its turn");
        assert_eq!(passwords.queue.available_permits(), QUEUE);
        drop(begin);
        let turns = passwords.turns.acquire_many(AT_ONCE.try_into().unwrap()).await.unwrap();

        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(passwords.work(|| Ok(())))).collect();
        for one in &mut waiting {
            assert!(asked_once(one).await.is_none());
        }
        assert!(matches!(passwords.work(|| Ok(())).await, Err(Error::Crowded)));
        drop(turns);
        drop(waiting);
        assert!(passwords.work(|| Ok(())).await.is_ok());
    }

    /// What `future` answers when it is asked once.
    async fn asked_once<F: Future>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            done = future => Some(done),
            () = std::future::ready(()) => None,
        }
    }

    #[test]
    fn the_hash_of_nobody_costs_what_others_cost() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let params = argon2::Params::try_from(&nobody).unwrap();
        let usual = argon2::Params::default();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (usual.m_cost(), usual.t_cost(), usual.p_cost())
        );
    }

    #[test]
    fn weak_passwords_are_refused() {
        let li: Name = "li".parse().unwrap();
        let told = |text: &str| sound("password", &text.to_owned().into(), Some(&li)).is_err();
        for bad in ["", "short", "123456789", "li li li li", &"x".repeat(1025)] {
            assert!(told(bad), "{bad}");
        }
        for good in ["four words are fine", "0123456789", "密码密码密码密码密码"] {
            assert!(!told(good), "{good}");
        }
    }
}
