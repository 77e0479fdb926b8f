//! How much is looked at, counted where a loop inside of a loop could make it the square of a file: tests bound it.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static DONE: Cell<usize> = const { Cell::new(0) };
}

/// So many more things were looked at.
#[cfg(test)]
pub(super) fn count(things: usize) {
    DONE.set(DONE.get() + things);
}

/// Counted in tests alone.
#[cfg(not(test))]
pub(super) const fn count(_things: usize) {}

#[cfg(test)]
mod tests {
    use super::super::{Paths, diff_files};
    use super::*;

    /// What the diff of two versions with so many lines or parts looks at.
    fn work(version: &dyn Fn(usize) -> String) -> usize {
        DONE.set(0);
        let (old, new) = (version(0), version(1_000_000));
        let calls = diff_files(Some(old.as_bytes()), Some(new.as_bytes()), Paths::same("app.py"));
        assert!(!calls.changes.is_empty());
        DONE.get()
    }

    #[test]
    fn twice_the_file_is_twice_the_work() {
        type Part = fn(usize) -> String;
        let forms: [(&str, &str, Part, &str); 7] = [
            ("decorators", "", |n| format!("@d{n}\n"), "def f(): pass\n"),
            ("functions", "", |n| format!("def f{n}(a): g{n}(a)\n"), ""),
            ("overloads", "", |n| format!("def f(a): g({n})\n"), ""),
            ("one callee", "", |n| format!("f({n})\n"), ""),
            ("one callee in another", "x = f(", |n| format!("g({n}), "), ")\n"),
            ("an f-string of calls", "x = f'", |n| format!("{{a{n}()}}"), "'\n"),
            ("f-strings", "", |n| format!("x = f'{{a{n}()}}'\n"), ""),
        ];
        for (what, start, part, end) in forms {
            let of = |count: usize| {
                let version = |first: usize| {
                    let parts: String = (first..first + count).map(part).collect();
                    format!("{start}{parts}{end}")
                };
                work(&version)
            };
            // With fewer, all pairs are compared.
            let (once, twice) = (of(1_500), of(3_000));
            assert!(twice < 3 * once, "{what}: {once}, {twice}");
        }
    }
}
