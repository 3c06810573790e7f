//! The state machine of an upload, from its draft to its one outcome.
//!
//! ```text
//!             withdraw ──► (no dataset, objects removed)
//!                │
//!   create ──► draft ──publish──► ready, for ever
//!              │   ▲ │
//!        lease │   │ └──fail / expire / take back──► failed ──clean up──► (objects removed)
//!              ▼   │
//!             leased
//! ```
//!
//! | step | who takes it | condition | effects |
//! |---|---|---|---|
//! | [`create`] | api | the id is new | the draft; then its file, or a presigned upload |
//! | [`withdraw`] | api | it is a draft that no one was told of | no dataset any more; the file is removed |
//! | [`acquire_lease`] | processor | it is a draft that no one else has | no other processor takes it meanwhile |
//! | [`release_lease`] | processor | the lease is its own | anyone may take it, after a backoff |
//! | [`publish`] | processor | it is a draft, and the group's next number is free | the version and its event in the outbox, in one transaction |
//! | [`fail`] | processor, sweeper | it is a draft as it was judged | the failure and its event in the outbox, in one transaction |
//! | [`expire`] | sweeper | it is a draft that is overdue | it is started again, or fails |
//! | [`take_back`] | api | it is a draft | the failure and its event in the outbox, in one transaction; objects go when no one can be at work on them |
//! | [`clean_up`] | whoever failed it, sweeper | it has failed | its objects are removed |
//!
//! The process may die between any two effects. Every draft, failure and outbox entry has a due time in the
//! catalog, by which the sweeper finds what was left and takes the step again; each step may be repeated.

mod cleanup;
mod create;
mod expire;
mod fail;
mod lease;
mod publish;
mod take_back;

pub use cleanup::{clean_up, clean_up_withdrawn, remove_objects, withdraw};
pub use create::{CreateDraft, DraftStart, IdempotencyGuard, Idempotent, create};
pub use expire::expire;
pub use fail::fail;
pub use lease::{Interruption, acquire_lease, release_lease};
pub use publish::{group_of, publish, publish_into};
pub use take_back::take_back;
