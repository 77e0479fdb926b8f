//! Tests that deploy services and leave them running, in a process of their own: that of `it` adopts whatever its
//! trials leave, and would end a server as the leftover of one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod killed;
#[cfg(feature = "serve")]
mod outage;
mod respond;
mod rollback;
#[cfg(feature = "serve")]
mod serve_doors;
#[cfg(feature = "serve")]
mod serve_people;
#[cfg(feature = "serve")]
mod serve_tls;
#[cfg(feature = "serve")]
mod serving;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "most of it is for the tests of `it`")]
mod support;
