//! Listens for signals and trips the cancel token: the first asks the trials to end, the second
//! kills them. Whatever keeps this program from ending after that, it ends: a while after the first, sooner after the
//! second, and at once with the third. Trials end with it, and what they leave is swept by the next run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::model::{CancelReason, CancelToken};

/// Time to end the trials, put the journal away and clean up.
const GRACE: Duration = Duration::from_secs(30);
/// The same for whoever asks twice.
const SHORT_GRACE: Duration = Duration::from_secs(5);
/// The exit status of a run that was interrupted.
const INTERRUPTED: i32 = 130;

/// Stops listening when dropped.
#[derive(Debug)]
pub struct SignalListener {
    is_over: Arc<AtomicBool>,
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
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            for (before, _) in signals.forever().enumerate() {
                let reason = match token.reason() {
                    None => CancelReason::Interrupted,
                    Some(_) => CancelReason::Forced,
                };
                token.cancel(reason);
                let grace = match before {
                    0 => GRACE,
                    1 => SHORT_GRACE,
                    _ => Duration::ZERO,
                };
                end_unless(&seen, grace);
            }
        });
        Ok(Self { is_over, handle, thread: Some(thread) })
    }
}

/// End this program after this time, unless what it did is over by then.
fn end_unless(is_over: &Arc<AtomicBool>, grace: Duration) {
    let is_over = Arc::clone(is_over);
    let wait = move || {
        std::thread::sleep(grace);
        if !is_over.load(Ordering::Relaxed) {
            signal_hook::low_level::exit(INTERRUPTED);
        }
    };
    // Where no thread can be had, there is the next signal.
    drop(std::thread::Builder::new().spawn(wait));
}

impl Drop for SignalListener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It only panics if the token does, which has no code that could.
            drop(thread.join());
        }
    }
}
