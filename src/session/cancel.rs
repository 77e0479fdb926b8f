//! Listens for signals and trips the cancel token: the first asks the trials to end, the second
//! kills them.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::model::{CancelReason, CancelToken};

/// Stops listening when dropped.
#[derive(Debug)]
pub struct SignalListener {
    handle: signal_hook::iterator::Handle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SignalListener {
    /// Listen for SIGINT, SIGTERM and SIGHUP on behalf of this token.
    ///
    /// # Errors
    /// When the system does not let signals be handled.
    pub fn new(token: &CancelToken) -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        let token = token.clone();
        let thread = std::thread::spawn(move || {
            for _ in &mut signals {
                let reason = match token.reason() {
                    None => CancelReason::Interrupted,
                    Some(_) => CancelReason::Forced,
                };
                token.cancel(reason);
            }
        });
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for SignalListener {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It only panics if the token does, which has no code that could.
            drop(thread.join());
        }
    }
}
