//! The command `pybisect`.

fn main() {}
