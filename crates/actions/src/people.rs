//! People: sign in and out, set a password, and the users, sessions and tokens of the installation.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use model::{Name, SecretString};
use store::{AccountRecord, Deed, SessionRecord, TokenInfo};
use tokio::time::Instant;

use crate::proof::{digest, id, new_secret};
use crate::throttle::Key;
use crate::{Action, Actions, Actor, Error, Object, Proof, audit, authorize, passwords};

/// How long a set-up link works.
pub const SETUP: Duration = Duration::from_hours(24);

/// How long a session lasts at most.
pub const LONGEST_SESSION: Duration = store::sessions::LONGEST;

/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// Who does what the settings of the server say.
const SETTINGS: &str = "aweigh";

/// Somebody who signed in just now.
#[derive(Debug)]
pub struct SignedIn {
    /// What the browser keeps. Told once, never stored.
    pub secret: String,
    /// Who it is, and until when.
    pub session: Session,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it is called.
    pub id: String,
    /// What is known of it.
    pub record: SessionRecord,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// An API token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is called by programs.
    pub id: String,
    /// What is known of it.
    pub record: TokenInfo,
}

/// Where somebody signs in from.
#[derive(Debug, Clone, Default)]
pub struct From {
    /// The address of the other end.
    pub address: Option<IpAddr>,
    /// What the browser says that it is.
    pub agent: String,
}

impl Actions {
    /// Lets somebody in who knows the password of `user`.
    ///
    /// An unknown user gets the same answer, after the same time. Who guesses has to wait
    /// ([`Error::TooManyTries`]).
    pub async fn sign_in(&self, user: &str, password: SecretString, from: From) -> Result<SignedIn, Error> {
        let keys = Key::of(user, from.address);
        self.attempt(&keys)?;
        let name: Option<Name> = user.parse().ok();
        let hash = match &name {
            Some(name) => self.store().password(name.as_str()).await?,
            None => None,
        };
        let fits = self.passwords.fits(password, hash.clone()).await?;
        let (Some(name), Some(hash)) = (name.filter(|_| fits), hash) else {
            tracing::info!(address = ?from.address, "a sign-in was refused");
            return Err(Error::WrongPassword);
        };
        self.throttle.right(&keys, Instant::now());
        self.begin(&name, &hash, &from.agent).await
    }

    /// Sets the password of the account that the one-time `code` is for, and lets its owner in.
    pub async fn set_up(&self, code: &str, password: SecretString, from: From) -> Result<SignedIn, Error> {
        let keys: Vec<Key> = Key::address(from.address).into_iter().collect();
        self.attempt(&keys)?;
        let code = digest(code);
        // Looked at first: only who has a code costs us the time of a hash.
        let user = self.store().setup_code(&code).await?.ok_or(Error::WrongCode)?;
        self.throttle.right(&keys, Instant::now());
        passwords::sound("password", &password, Some(&user))?;
        let hash = self.passwords.hash(password).await?;
        let deed = own(&user, "password.set", "with a set-up link");
        let user = self.store().use_setup_code(&code, &hash, deed).await?.ok_or(Error::WrongCode)?;
        self.access_changed();
        // Whatever was guessed of the password before is worth nothing now.
        self.throttle.right(&Key::of(user.as_str(), None), Instant::now());
        self.begin(&user, &hash, &from.agent).await
    }

    /// Counts a try, unless it comes too early.
    fn attempt(&self, keys: &[Key]) -> Result<(), Error> {
        self.throttle.attempt(keys, Instant::now()).map_err(|wait| Error::TooManyTries { wait })
    }

    /// Begins a session of `user`, whose password has this hash.
    async fn begin(&self, user: &Name, hash: &str, agent: &str) -> Result<SignedIn, Error> {
        let secret = new_secret();
        let digest = digest(&secret);
        let agent: String = agent.chars().filter(|c| !c.is_control()).take(200).collect();
        // Another password may have been set since this one was compared.
        let deed = own(user, "session.begin", &agent);
        if !self.store().add_session(&digest, user, hash, &agent, deed).await? {
            return Err(Error::WrongPassword);
        }
        let record = self.store().session(&digest).await?.ok_or(Error::WrongPassword)?;
        Ok(SignedIn { secret, session: Session { id: id(&digest), record, current: true } })
    }

    /// The session behind a proof, when it is one.
    pub async fn session(&self, proof: &Proof) -> Result<Option<Session>, Error> {
        let Proof::Session(digest) = proof else { return Ok(None) };
        let record = self.store().session(digest).await?;
        Ok(record.map(|record| Session { id: id(digest), record, current: true }))
    }

    /// Ends the session that asks; nothing happens to a token.
    pub async fn sign_out(&self, proof: &Proof) -> Result<(), Error> {
        let Some(session) = self.session(proof).await? else { return Ok(()) };
        self.remove_session(&session.record).await
    }

    /// The sessions of the one who asks.
    pub async fn sessions(&self, actor: &Actor, proof: &Proof) -> Result<Vec<Session>, Error> {
        authorize(actor, Action::OwnAccount, &Object::Installation)?;
        let own = self.store().sessions(&own_name(actor)?).await?;
        let current = |digest: &str| matches!(proof, Proof::Session(own) if **own == *digest);
        let session = |record: SessionRecord| Session {
            id: id(&record.digest),
            current: current(&record.digest),
            record,
        };
        Ok(own.into_iter().map(session).collect())
    }

    /// Ends one of the sessions of the one who asks.
    pub async fn end_session(&self, actor: &Actor, session: &str) -> Result<(), Error> {
        authorize(actor, Action::OwnAccount, &Object::Installation)?;
        let own = self.store().sessions(&own_name(actor)?).await?;
        let found = own.into_iter().find(|record| id(&record.digest) == session);
        let found = found.ok_or_else(|| Error::missing("session", session))?;
        self.remove_session(&found).await
    }

    async fn remove_session(&self, session: &SessionRecord) -> Result<(), Error> {
        let deed = own(&session.user, "session.end", &session.agent);
        self.store().remove_session(&session.digest, deed).await?;
        self.access_changed();
        Ok(())
    }

    /// Changes the password of the one who asks, which ends their other sessions. Whoever came through the
    /// administrator's door need not know the current one.
    pub async fn change_password(
        &self,
        actor: &Actor,
        proof: &Proof,
        current: SecretString,
        password: SecretString,
    ) -> Result<(), Error> {
        authorize(actor, Action::OwnAccount, &Object::Installation)?;
        let user = own_name(actor)?;
        passwords::sound("password", &password, Some(&user))?;
        if !matches!(proof, Proof::Door(_)) {
            let keys = [Key::Change(user.to_string())];
            self.attempt(&keys)?;
            let hash = self.store().password(user.as_str()).await?;
            if !self.passwords.fits(current, hash).await? {
                return Err(Error::invalid("current", "is not your password"));
            }
            self.throttle.right(&keys, Instant::now());
        }
        let hash = self.passwords.hash(password).await?;
        let keep = match proof {
            Proof::Session(digest) => Some(&**digest),
            _ => None,
        };
        self.store().set_password(&user, &hash, keep, own(&user, "password.set", "")).await?;
        self.access_changed();
        Ok(())
    }

    /// Gives `user` this password unless it has one. For the start of the server only.
    pub async fn ensure_password(&self, user: &Name, password: SecretString) -> Result<(), Error> {
        if self.store().password(user.as_str()).await?.is_some() {
            return Ok(());
        }
        passwords::sound("password", &password, Some(user))?;
        let hash = self.passwords.hash(password).await?;
        let deed = audit::deed(SETTINGS, "password.set", &Object::User(user), "");
        self.store().set_password(user, &hash, None, deed).await?;
        Ok(())
    }

    /// Whether nobody has a password yet, so that nobody can sign in.
    pub async fn is_new(&self) -> Result<bool, Error> {
        Ok(self.store().has_no_password().await?)
    }

    /// Every user, by name.
    pub async fn users(&self, actor: &Actor) -> Result<Vec<AccountRecord>, Error> {
        authorize(actor, Action::ManageUsers, &Object::Installation)?;
        Ok(self.store().accounts().await?)
    }

    /// Makes a user and answers the one-time code that sets their password.
    pub async fn create_user(&self, actor: &Actor, name: &Name) -> Result<(AccountRecord, String), Error> {
        authorize(actor, Action::ManageUsers, &Object::Installation)?;
        let deed = actor.deed("user.create", &Object::User(name), "");
        if !self.store().create_account(name, deed).await? {
            return Err(Error::Exists { what: "user", name: name.to_string() });
        }
        let code = self.setup_code(actor, name).await?;
        let record = self.store().account(name).await?.ok_or_else(|| Error::missing("user", name))?;
        Ok((record, code))
    }

    /// Removes a user; their tokens and sessions end at once.
    pub async fn remove_user(&self, actor: &Actor, name: &Name) -> Result<(), Error> {
        authorize(actor, Action::ManageUsers, &Object::Installation)?;
        if actor.name == name.as_str() {
            return Err(Error::invalid("user", "is yourself: let another administrator remove you"));
        }
        let deed = actor.deed("user.remove", &Object::User(name), "");
        if !self.store().remove_account(name, deed).await? {
            return Err(Error::missing("user", name));
        }
        self.access_changed();
        Ok(())
    }

    /// A new one-time code that sets the password of `user`, for [`SETUP`]. The code before works no more.
    pub async fn setup_code(&self, actor: &Actor, user: &Name) -> Result<String, Error> {
        authorize(actor, Action::ManageUsers, &Object::Installation)?;
        if self.store().account(user).await?.is_none() {
            return Err(Error::missing("user", user));
        }
        let code = new_secret();
        let deed = actor.deed("user.setup", &Object::User(user), "");
        self.store().put_setup_code(user, &digest(&code), Timestamp::now() + SETUP, deed).await?;
        Ok(code)
    }

    /// The API tokens of the one who asks.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>, Error> {
        authorize(actor, Action::OwnAccount, &Object::Installation)?;
        let own = self.store().tokens(&own_name(actor)?).await?;
        Ok(own.into_iter().map(|record| Token { id: id(&record.digest), record }).collect())
    }

    /// Makes an API token of the one who asks, and answers its secret: the only time that it is told.
    pub async fn create_token(&self, actor: &Actor, name: &str) -> Result<(Token, String), Error> {
        authorize(actor, Action::OwnAccount, &Object::Installation)?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
            return Err(Error::invalid(
                "name",
                format!("must be 1 to {LONGEST_NAME} characters of one line"),
            ));
        }
        let (user, secret) = (own_name(actor)?, format!("aweigh_{}", new_secret()));
        let deed = own(&user, "token.create", name);
        if !self.store().add_token(&user, name, &digest(&secret), deed).await? {
            return Err(Error::Exists { what: "token", name: name.to_owned() });
        }
        let record =
            TokenInfo { digest: digest(&secret), user, name: name.to_owned(), created_at: Timestamp::now() };
        Ok((Token { id: id(&record.digest), record }, secret))
    }

    /// Takes one of the tokens of the one who asks back: whoever uses it is out at once.
    pub async fn remove_token(&self, actor: &Actor, token: &str) -> Result<(), Error> {
        let found = self.tokens(actor).await?.into_iter().find(|own| own.id == token);
        let found = found.ok_or_else(|| Error::missing("token", token))?;
        let deed = own(&found.record.user, "token.remove", &found.record.name);
        self.store().remove_token(&found.record.digest, deed).await?;
        self.access_changed();
        Ok(())
    }
}

/// What somebody does to their own account, for the audit log.
fn own(user: &Name, what: &'static str, detail: &str) -> Deed {
    audit::deed(user.as_str(), what, &Object::User(user), detail)
}

/// The account of the one who asks.
fn own_name(actor: &Actor) -> Result<Name, Error> {
    actor.name.parse().map_err(|_| Error::missing("user", &actor.name))
}
