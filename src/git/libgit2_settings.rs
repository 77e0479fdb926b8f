//! libgit2's global settings.
#![expect(
    unsafe_code,
    reason = "libgit2's options are global; they are set once, before any repository is opened"
)]

use std::sync::Once;

/// Accept partial clones (libgit2 reads them like any other, and what is missing is fetched by us), and read objects as
/// git does, without computing the hash of each: that takes a fifth of a checkout.
pub(super) fn prepare_library() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: nothing else in this program sets this option, and nobody reads it before the first
        // repository is opened, which comes after this line.
        let accepted = unsafe { git2::opts::set_extensions(&["partialclone"]) };
        // Out of memory at worst; then opening a partial clone says that its format is not supported.
        drop(accepted);
        git2::opts::strict_hash_verification(false);
    });
}
