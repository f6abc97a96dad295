//! What crosses the wire: plain structs, the checks that make rules of them, and stable problem codes.
//!
//! In reading order: [`field_error`], [`read`] and [`closest`] (how bad input is told), [`duration`],
//! [`one_or_many`], [`secret`] and [`not_built`] (the small forms that specs are written in), then one file
//! per resource. A *spec* is what people write; the same spec is a table of the fleet file and the body of a
//! request. `spec.check(…)` makes things of `model` from it and collects every error; `From<&model::…>` is the
//! way back. Everything else is an answer.

pub mod adhoc;
pub mod adopt;
pub mod apply;
pub mod artifact;
pub mod audit;
pub mod board;
pub mod build;
pub mod bytes;
pub mod check;
pub mod checked;
pub mod closest;
pub mod credential;
pub mod doctor;
pub mod drift;
pub mod duration;
pub mod environment;
pub mod event;
pub mod facts;
pub mod field_error;
pub mod fleet;
mod folders;
pub mod group;
pub mod health;
pub mod hook;
mod jumps;
pub mod master_key;
pub mod named;
pub mod node;
pub mod not_built;
pub mod one_or_many;
pub mod page;
pub mod people;
pub mod problem;
pub mod progress;
pub mod project;
pub mod read;
pub mod recording;
pub mod refs;
pub mod release;
pub mod repository_file;
pub mod request;
pub mod secret;
pub mod server;
pub mod settings;
pub mod shared;
mod spread;
pub mod strategy;
pub mod template;
pub mod variable;
pub mod words;

pub use adhoc::{
    Done, GetRequest, Run, RunLine, RunRequest, ServerEnded, Transfer, TransferLine, Trouble, transfer,
};
pub use adopt::{
    AdoptFolder, AdoptLeftOut, AdoptPlace, AdoptRelease, AdoptReport, AdoptRequest, AdoptServer,
};
pub use apply::{ApplyAnswer, Change, ChangeAction, What};
pub use artifact::ArtifactView;
pub use audit::AuditView;
pub use board::BoardRow;
pub use build::BuildSpec;
pub use check::{Finding, FindingStatus};
pub use checked::{Checked, Stored};
pub use credential::{
    Credential, CredentialKind, CredentialSpec, CredentialView, GenerateRequest, Passphrase, RotateAnswer,
    RotatedServer, RotatedState,
};
pub use doctor::{DoctorFinding, DoctorReport, DoctorState, SandboxState};
pub use drift::{DriftReport, DriftRow, DriftState};
pub use environment::{EnvironmentSpec, EnvironmentView};
pub use event::{ChatPage, ChatRequest, Event, EventBatch, Snapshot};
pub use facts::{Room, ServerFacts, ServerTool};
pub use field_error::{FieldError, FieldErrors};
pub use fleet::{Fleet, FleetDefaults};
pub use group::{GroupSpec, GroupView};
pub use health::HealthSpec;
pub use hook::{HookSpec, HookTable};
pub use master_key::MasterKeyView;
pub use named::Named;
pub use node::Node;
pub use not_built::NotBuilt;
pub use one_or_many::OneOrMany;
pub use page::Page;
pub use people::{Me, NewName, PasswordChange, SessionView, SetUp, SetUpLink, SignIn, TokenView, UserView};
pub use problem::{Code, Problem};
pub use progress::{Bytes, Progress};
pub use project::{ProjectSpec, ProjectView};
pub use read::read;
pub use recording::Recording;
pub use refs::{Changes, Diff, FileChange, FileDiff, Ref, RefKind};
pub use release::{Release, ReleaseServer};
pub use repository_file::{RepositoryFile, Said};
pub use request::{LockRequest, LockView, ReleasePlan, ReleaseRequest, RollbackTo, ServersRequest};
pub use secret::Secret;
pub use server::{ScannedKey, ServerDefaults, ServerSpec, ServerView, TrustAnswer, TrustRequest};
pub use settings::SettingsSpec;
pub use shared::{SharedGetRequest, SharedKind, SharedRow, SharedServer, SharedTransfer};
pub use spread::Spread;
pub use strategy::{AmountSpec, BatchSpec, BatchTable};
pub use template::{TemplateSpec, TemplateUse, TemplateVersion, TemplateView, TryAnswer, TryRequest};
pub use variable::{SecretSpec, SecretSpecs, VariableSpecs, VariableView};
