//! How a running trial is told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why something is cancelled. Ordered: a later reason is more urgent and replaces an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CancelReason {
    /// Another trial's result made this one irrelevant.
    Irrelevant,
    /// The user asked to stop (first Ctrl-C, SIGTERM): end the trials, keep the state.
    Interrupted,
    /// The user insisted (second Ctrl-C): kill at once.
    Forced,
}

impl CancelReason {
    const ALL: [Self; 3] = [Self::Irrelevant, Self::Interrupted, Self::Forced];

    const fn code(self) -> u8 {
        match self {
            Self::Irrelevant => 1,
            Self::Interrupted => 2,
            Self::Forced => 3,
        }
    }
}

/// A flag shared by the one who cancels and the one who must notice. Clones share the flag.
///
/// A token made with [`child`](Self::child) is cancelled with its parent, but not the reverse.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    own: Arc<AtomicU8>,
    parent: Option<Arc<AtomicU8>>,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for one piece of work under this one. One level only: a child's child has the same
    /// parent as the child.
    #[must_use]
    pub fn child(&self) -> Self {
        let parent = self.parent.as_ref().unwrap_or(&self.own);
        Self { own: Arc::default(), parent: Some(Arc::clone(parent)) }
    }

    /// Cancel, or make a cancellation more urgent.
    pub fn cancel(&self, reason: CancelReason) {
        self.own.fetch_max(reason.code(), Ordering::SeqCst);
    }

    /// The most urgent reason given so far to this token or its parent.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        let own = self.own.load(Ordering::SeqCst);
        let parent = self.parent.as_ref().map_or(0, |flag| flag.load(Ordering::SeqCst));
        CancelReason::ALL.into_iter().find(|reason| reason.code() == own.max(parent))
    }

    /// Whether the token was cancelled for any reason.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_cancelled_with_its_parent_and_the_most_urgent_reason_wins() {
        let parent = CancelToken::new();
        let child = parent.child();
        child.cancel(CancelReason::Irrelevant);
        assert_eq!(parent.reason(), None);
        assert_eq!(child.reason(), Some(CancelReason::Irrelevant));
        parent.cancel(CancelReason::Forced);
        parent.cancel(CancelReason::Interrupted);
        assert_eq!(child.reason(), Some(CancelReason::Forced));
        assert_eq!(child.child().reason(), Some(CancelReason::Forced));
    }
}
