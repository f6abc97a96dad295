//! What things are: the nouns of Aweigh and the rules they keep, without any I/O.
//!
//! In reading order: [`name`], [`range`] and [`id`] (how things are called), [`server`], [`selector`], [`group`] and [`cloud`] (where code runs, and where nobody asks),
//! [`project`], [`variable`], [`strategy`], [`hook`], [`template`] and [`path`] (what runs there and how it gets there), [`release`] and [`step`] (one try, and one line of it,
//! each with its one transition function), [`wish`] (what people want of it), [`plan`] (a release frozen before it starts), [`event`] (what it
//! says) and [`tree`] (what viewers draw: the plan with the events applied).

pub mod cloud;
pub mod event;
pub mod group;
pub mod hook;
pub mod id;
pub mod name;
pub mod path;
pub mod plan;
pub mod project;
pub mod range;
pub mod release;
pub mod remote_path;
pub mod selector;
pub mod server;
pub mod step;
pub mod strategy;
pub mod template;
pub mod tree;
pub mod variable;
pub mod wish;

pub use cloud::gives_credentials;
pub use event::{Event, Fact, LogFact, NodeFact};
pub use group::{Groups, MOST_GROUPS};
pub use hook::{Hook, HookPoint, Hooks, Rerun, When};
pub use id::{CommitId, Epoch, ReleaseId, ReleaseName};
pub use name::{InvalidName, Name};
pub use path::{DeployPath, InvalidPath, TreePath};
pub use plan::{Action, Plan};
pub use project::{
    Build, Environment, Health, HealthProbe, OnInterrupt, Project, Settings, Site, Unreachable,
};
pub use range::{InvalidRange, Pattern};
pub use release::{Kind, Release, ServerRecord, ServerState, Status};
pub use remote_path::{InvalidRemotePath, RemotePath};
pub use secrecy::{ExposeSecret, SecretString};
pub use selector::{InvalidSelector, Selector};
pub use server::{Address, Labels, MOST_JUMPS, Server, SshAddress};
pub use step::{Step, StepKind, StepStatus};
pub use strategy::{Amount, Batch, PlannedBatch, Take};
pub use template::{InvalidPick, Picked, Template};
pub use tree::{Node, Tree};
pub use variable::{InvalidVariable, Scope, VariableName, Variables};
pub use wish::Wishes;
