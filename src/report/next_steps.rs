//! What can be done next, for people: a command each, and what it does.

use std::io::{self, Write};

use super::Style;

/// The commands, each with its comment; nothing where there are none.
pub(super) fn write_next(style: Style, steps: &[(String, &str)], out: &mut dyn Write) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.bold("next"))?;
    for (step, why) in steps {
        writeln!(out, "  {step}  {}", style.dim(format!("# {why}")))?;
    }
    Ok(())
}
