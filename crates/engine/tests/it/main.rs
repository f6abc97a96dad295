//! The driver and the artifact on real shells and real tools, without SSH: every command line runs on this machine,
//! under dash, bash or busybox, with GNU tools or with nothing but busybox.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod adhoc;
mod adopt;
mod asks;
mod attacks;
mod carry;
mod check;
mod contact;
mod counts;
mod delta;
mod faults;
mod follow;
mod fuzz;
mod hooks;
mod host;
mod kill;
mod late;
mod library;
mod linked;
mod lock;
mod machine;
mod namespace;
mod properties;
mod prune;
mod pushed;
mod question;
mod receive;
mod site;
mod switch;
mod tree;
mod trial;
