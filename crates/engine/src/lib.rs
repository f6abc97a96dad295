//! How a release runs, and the few ports it needs.
//!
//! ```text
//! planner ─▶ Plan ─▶ dispatcher ─▶ pipeline ─▶ stages/<verb> ─▶ lane ─▶ driver ─▶ scripts/driver.sh
//!                                      │            │
//!                                  recovery     run (intent, act, result) ─▶ reporter ─▶ ports::Journal
//! ```
//!
//! Start with [`pipeline`]: it reads like the story of a release. [`staging`] makes it ready on the servers, [`fleet`]
//! switches them batch by batch ([`urgent`] all at once, when people go back), [`ending`] brings it to its end, and back when
//! it fails; [`steering`] is what people want meanwhile. A stage acts through a [`lane`], one server's connection, and says
//! what it does through [`run`]. [`remote`] holds the words that the constant driver script knows; [`driver`] speaks them.
//! [`artifact`] turns a tree into the bytes that servers receive. [`given`] is what the programs of users are given to
//! read. [`sandbox`] says what is around what users have run on this machine; [`family`] knows whose children its processes
//! are. Outside of releases: [`check`], [`facts`] and [`drift`], each made of [`question`]s, [`rotate`] (keys), [`trial`],
//! [`adopt`], which takes over what another tool left, [`recording`] of shells, and [`adhoc`], what people do on many
//! servers at once.

pub mod adhoc;
pub mod adopt;
pub mod artifact;
pub mod besides;
pub mod characters;
pub mod check;
pub mod control;
pub mod dispatcher;
pub mod dotenv;
pub mod drift;
pub mod driver;
pub mod ending;
pub mod error;
pub mod facts;
pub mod family;
pub mod fault;
pub mod fleet;
pub mod given;
pub mod holder;
pub mod hook_env;
pub mod lane;
pub mod lanes;
pub mod masker;
pub mod pipeline;
pub mod planner;
pub mod ports;
pub mod progress;
pub mod question;
pub mod recording;
pub mod recovery;
pub mod remote;
pub mod reporter;
pub mod retry;
pub mod room;
pub mod rotate;
pub mod run;
pub mod sandbox;
pub mod stages;
pub mod staging;
pub mod steering;
pub mod trial;
pub mod urgent;
