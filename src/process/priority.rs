//! Which of our threads come first.

/// Let the trials, and whatever else is waited for, go before this thread. Its own children would inherit that.
pub fn give_way() {
    // Of a thread only on Linux; elsewhere the whole program would be slowed down.
    #[cfg(target_os = "linux")]
    {
        /// The others' share of a processor is then about ten times as large.
        const NICE: i32 = 10;
        let _as_before = rustix::process::nice(NICE);
    }
}
